import { useState } from 'react';
import { Form } from 'react-aria-components';
import { useTranslation } from 'react-i18next';
import { useMutation } from 'urql';
import { Button, ButtonLink, TextField } from '../design/controls';
import { Notice } from '../design/states';
import { graphql } from '../graphql/generated';
import { refusalOf } from '../graphql/refusals';
import { AccountPage, mailToken } from './page';

const Reset = graphql(`
  mutation ResetPassword($token: String!, $newPassword: String!) {
    passwordReset(input: { token: $token, newPassword: $newPassword }) {
      errors {
        message
        path
      }
    }
  }
`);

export default function PasswordReset() {
  const { t } = useTranslation();
  const [{ fetching }, reset] = useMutation(Reset);
  const [refusal, setRefusal] = useState<string | null>(null);
  const [isDone, setDone] = useState(false);

  async function submit(event: React.FormEvent<HTMLFormElement>) {
    event.preventDefault();
    const newPassword = String(new FormData(event.currentTarget).get('password'));
    const { data, error } = await reset({ token: mailToken(), newPassword });
    const reason = refusalOf(data?.passwordReset, error);
    setRefusal(reason);
    setDone(reason === null);
  }

  return (
    <AccountPage title={t('reset.title')}>
      {isDone ? (
        <>
          <Notice kind="success">{t('reset.done')}</Notice>
          <ButtonLink href="/sign-in">{t('signIn.submit')}</ButtonLink>
        </>
      ) : (
        <Form onSubmit={submit} className="form">
          {refusal && <Notice>{refusal}</Notice>}
          <TextField
            label={t('reset.password')}
            hint={t('password.hint')}
            name="password"
            type="password"
            autoComplete="new-password"
            isRequired
            autoFocus
          />
          <Button type="submit" isBusy={fetching}>
            {t('reset.submit')}
          </Button>
        </Form>
      )}
    </AccountPage>
  );
}
