import { useState } from 'react';
import { Form } from 'react-aria-components';
import { useTranslation } from 'react-i18next';
import { useNavigate } from 'react-router';
import { useMutation } from 'urql';
import { Button, TextField } from '../design/controls';
import { Notice } from '../design/states';
import { graphql } from '../graphql/generated';
import { refusalOf } from '../graphql/refusals';
import { refresh } from '../session/tokens';
import { AccountPage, mailToken } from './page';

const Accept = graphql(`
  mutation AcceptInvitation($token: String!, $password: String!, $fullName: String) {
    invitationAccept(input: { token: $token, password: $password, fullName: $fullName }) {
      refreshToken
      errors {
        message
        path
      }
    }
  }
`);

export default function Invitation() {
  const { t } = useTranslation();
  const navigate = useNavigate();
  const [{ fetching }, accept] = useMutation(Accept);
  const [refusal, setRefusal] = useState<string | null>(null);

  async function submit(event: React.FormEvent<HTMLFormElement>) {
    event.preventDefault();
    const form = new FormData(event.currentTarget);
    const fullName = String(form.get('fullName')).trim() || null;
    const { data, error } = await accept({ token: mailToken(), password: String(form.get('password')), fullName });
    setRefusal(refusalOf(data?.invitationAccept, error));
    const token = data?.invitationAccept.refreshToken;
    if (token && (await refresh(token))) void navigate('/', { replace: true });
  }

  return (
    <AccountPage title={t('invitation.title')}>
      <Form onSubmit={submit} className="form">
        {refusal && <Notice>{refusal}</Notice>}
        <TextField label={t('invitation.name')} name="fullName" autoComplete="name" autoFocus />
        <TextField
          label={t('signIn.password')}
          hint={t('password.hint')}
          name="password"
          type="password"
          autoComplete="new-password"
          isRequired
        />
        <Button type="submit" isBusy={fetching}>
          {t('invitation.submit')}
        </Button>
      </Form>
    </AccountPage>
  );
}
