// What a screen shows while it has no content: loading, empty, failed.

import type { ReactNode } from 'react';
import { useTranslation } from 'react-i18next';
import type { CombinedError } from 'urql';
import { messageOf } from '../graphql/refusals';
import { Button } from './controls';

export function Loading() {
  const { t } = useTranslation();
  return (
    <div className="state" role="status">
      <span className="spinner" aria-hidden="true" />
      <span>{t('state.loading')}</span>
    </div>
  );
}

export function Empty({ title, children }: { title: string; children?: ReactNode }) {
  return (
    <div className="state empty">
      <h2>{title}</h2>
      {children}
    </div>
  );
}

export function Failed({ error, retry }: { error: CombinedError | string; retry?: () => void }) {
  const { t } = useTranslation();
  const isOffline = typeof error !== 'string' && error.networkError !== undefined;
  return (
    <div className="state" role="alert">
      <h2>{isOffline ? t('state.offline') : t('state.failed')}</h2>
      <p>{typeof error === 'string' ? error : isOffline ? t('state.offlineHint') : messageOf(error)}</p>
      {retry && (
        <Button onPress={retry} variant="quiet">
          {t('action.retry')}
        </Button>
      )}
    </div>
  );
}

export function Notice({ children, kind = 'error' }: { children: ReactNode; kind?: 'error' | 'success' | 'warning' }) {
  return (
    <p className={`notice ${kind}`} role={kind === 'error' ? 'alert' : 'status'}>
      {children}
    </p>
  );
}
