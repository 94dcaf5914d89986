import { useState } from 'react';
import { Form } from 'react-aria-components';
import { useTranslation } from 'react-i18next';
import { useMutation } from 'urql';
import { Button, Link, TextField } from '../design/controls';
import { Notice } from '../design/states';
import { graphql } from '../graphql/generated';
import { refusalOf } from '../graphql/refusals';
import { AccountPage } from './page';

const RequestReset = graphql(`
  mutation RequestReset($email: String!) {
    passwordResetRequest(input: { email: $email }) {
      errors {
        message
        path
      }
    }
  }
`);

export default function ForgottenPassword() {
  const { t } = useTranslation();
  const [{ fetching }, request] = useMutation(RequestReset);
  const [refusal, setRefusal] = useState<string | null>(null);
  const [isSent, setSent] = useState(false);

  async function submit(event: React.FormEvent<HTMLFormElement>) {
    event.preventDefault();
    const { data, error } = await request({ email: String(new FormData(event.currentTarget).get('email')) });
    const reason = refusalOf(data?.passwordResetRequest, error);
    setRefusal(reason);
    setSent(reason === null);
  }

  return (
    <AccountPage title={t('forgotten.title')}>
      {isSent ? (
        <Notice kind="success">{t('forgotten.sent')}</Notice>
      ) : (
        <Form onSubmit={submit} className="form">
          {refusal && <Notice>{refusal}</Notice>}
          <TextField label={t('forgotten.email')} name="email" type="email" autoComplete="email" isRequired autoFocus />
          <Button type="submit" isBusy={fetching}>
            {t('forgotten.submit')}
          </Button>
        </Form>
      )}
      <p className="aside">
        <Link href="/sign-in">{t('signIn.back')}</Link>
      </p>
    </AccountPage>
  );
}
