// The frame of the pages before the sign-in: one card in the middle.

import type { ReactNode } from 'react';
import { useTranslation } from 'react-i18next';
import { useTitle } from '../design/title';
import { LANGUAGES, speak, type Language } from '../i18n';
import { Mark } from '../layout/mark';

export function AccountPage({ title, children }: { title: string; children: ReactNode }) {
  const { i18n, t } = useTranslation();
  useTitle(title);
  const other: Language = i18n.language === 'de' ? 'en' : 'de';
  return (
    <div className="account-page">
      <header>
        <Mark />
        <span>Seshat</span>
      </header>
      <main>
        <h1>{title}</h1>
        {children}
      </main>
      <footer>
        <button type="button" className="link" lang={other} onClick={() => void speak(other)}>
          {LANGUAGES[other]}
        </button>
        <a className="link" href="/graphql">
          {t('account.explorer')}
        </a>
      </footer>
    </div>
  );
}

// The one-time token of a mail's link. It is in the fragment, which no server receives.
export const mailToken = () => new URLSearchParams(location.hash.slice(1)).get('token') ?? '';
