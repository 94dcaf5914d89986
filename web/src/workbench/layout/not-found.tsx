import { useTranslation } from 'react-i18next';
import { ButtonLink } from '../design/controls';
import { Empty } from '../design/states';
import { useTitle } from '../design/title';
import { HOME } from '../screens';

export function NotFound() {
  const { t } = useTranslation();
  useTitle(t('notFound.title'));
  return (
    <Empty title={t('notFound.title')}>
      <p>{t('notFound.hint')}</p>
      <ButtonLink href={HOME} variant="quiet">
        {t('action.home')}
      </ButtonLink>
    </Empty>
  );
}
