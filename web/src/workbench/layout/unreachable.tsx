import { useTranslation } from 'react-i18next';
import { Failed } from '../design/states';

export function Unreachable() {
  const { t } = useTranslation();
  return (
    <main className="centered">
      <Failed error={t('state.unreachable')} retry={() => location.reload()} />
    </main>
  );
}
