import { useState } from 'react';
import { Form } from 'react-aria-components';
import { useTranslation } from 'react-i18next';
import { useMutation } from 'urql';
import { Button, Link, TextField } from '../design/controls';
import { Notice } from '../design/states';
import { graphql } from '../graphql/generated';
import { refusalOf } from '../graphql/refusals';
import { refresh } from '../session/tokens';
import { AccountPage } from './page';

const SignInMutation = graphql(`
  mutation SignIn($login: String!, $password: String!) {
    userSignIn(input: { login: $login, password: $password }) {
      refreshToken
      challenge
      errors {
        message
        path
      }
    }
  }
`);

const SecondFactor = graphql(`
  mutation SecondFactor($challenge: String!, $code: String!) {
    secondFactorVerify(input: { challenge: $challenge, code: $code }) {
      refreshToken
      errors {
        message
        path
      }
    }
  }
`);

export default function SignIn() {
  const [challenge, setChallenge] = useState<string | null>(null);
  return challenge ? (
    <Code challenge={challenge} onBack={() => setChallenge(null)} />
  ) : (
    <Password onChallenge={setChallenge} />
  );
}

function Password({ onChallenge }: { onChallenge: (challenge: string) => void }) {
  const { t } = useTranslation();
  const [, signIn] = useMutation(SignInMutation);
  const [refusal, setRefusal] = useState<string | null>(null);
  const [isBusy, setBusy] = useState(false);

  async function submit(event: React.FormEvent<HTMLFormElement>) {
    event.preventDefault();
    const form = new FormData(event.currentTarget);
    setBusy(true);
    const { data, error } = await signIn({ login: String(form.get('login')), password: String(form.get('password')) });
    const payload = data?.userSignIn;
    setRefusal(refusalOf(payload, error));
    if (payload?.challenge) onChallenge(payload.challenge);
    if (payload?.refreshToken) await refresh(payload.refreshToken).catch((reason: Error) => setRefusal(reason.message));
    setBusy(false);
  }

  return (
    <AccountPage title={t('signIn.title')}>
      <Form onSubmit={submit} className="form">
        {refusal && <Notice>{refusal}</Notice>}
        <TextField label={t('signIn.login')} name="login" autoComplete="username" isRequired autoFocus />
        <TextField
          label={t('signIn.password')}
          name="password"
          type="password"
          autoComplete="current-password"
          isRequired
        />
        <Button type="submit" isBusy={isBusy}>
          {t('signIn.submit')}
        </Button>
      </Form>
      <p className="aside">
        <Link href="/account/password">{t('signIn.forgotten')}</Link>
      </p>
    </AccountPage>
  );
}

function Code({ challenge, onBack }: { challenge: string; onBack: () => void }) {
  const { t } = useTranslation();
  const [, verify] = useMutation(SecondFactor);
  const [refusal, setRefusal] = useState<string | null>(null);
  const [isBusy, setBusy] = useState(false);

  async function submit(event: React.FormEvent<HTMLFormElement>) {
    event.preventDefault();
    setBusy(true);
    const code = String(new FormData(event.currentTarget).get('code'));
    const { data, error } = await verify({ challenge, code });
    const payload = data?.secondFactorVerify;
    setRefusal(refusalOf(payload, error));
    if (payload?.refreshToken) await refresh(payload.refreshToken).catch((reason: Error) => setRefusal(reason.message));
    setBusy(false);
  }

  return (
    <AccountPage title={t('secondFactor.title')}>
      <Form onSubmit={submit} className="form">
        {refusal && <Notice>{refusal}</Notice>}
        <TextField
          label={t('secondFactor.code')}
          hint={t('secondFactor.hint')}
          name="code"
          autoComplete="one-time-code"
          isRequired
          autoFocus
        />
        <Button type="submit" isBusy={isBusy}>
          {t('secondFactor.submit')}
        </Button>
        <Button variant="plain" onPress={onBack}>
          {t('action.back')}
        </Button>
      </Form>
    </AccountPage>
  );
}
