import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import { useMutation } from 'urql';
import { Button, ButtonLink } from '../design/controls';
import { Notice } from '../design/states';
import { graphql } from '../graphql/generated';
import { refusalOf } from '../graphql/refusals';
import { AccountPage, mailToken } from './page';

const Verify = graphql(`
  mutation VerifyEmail($token: String!) {
    emailVerify(input: { token: $token }) {
      errors {
        message
        path
      }
    }
  }
`);

// A press of the button uses the token, so that programs which open the links of mails do not.
export default function EmailVerification() {
  const { t } = useTranslation();
  const [{ fetching }, verify] = useMutation(Verify);
  const [refusal, setRefusal] = useState<string | null>(null);
  const [isDone, setDone] = useState(false);

  async function confirm() {
    const { data, error } = await verify({ token: mailToken() });
    const reason = refusalOf(data?.emailVerify, error);
    setRefusal(reason);
    setDone(reason === null);
  }

  return (
    <AccountPage title={t('verify.title')}>
      <div className="form">
        {refusal && <Notice>{refusal}</Notice>}
        {isDone ? (
          <>
            <Notice kind="success">{t('verify.done')}</Notice>
            <ButtonLink href="/">{t('action.goOn')}</ButtonLink>
          </>
        ) : (
          <Button isBusy={fetching} onPress={() => void confirm()}>
            {t('verify.submit')}
          </Button>
        )}
      </div>
    </AccountPage>
  );
}
