// The comparisons of drawing sets, newest first.

import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import { Link as RouterLink } from 'react-router';
import { useQuery } from 'urql';
import { Button, ButtonLink } from '../design/controls';
import { Empty, Failed, Loading } from '../design/states';
import { useTitle } from '../design/title';
import { graphql } from '../graphql/generated';
import type { SessionListQuery } from '../graphql/generated/graphql';

const PAGE = 25;

const SessionList = graphql(`
  query SessionList($first: Int!) {
    drawingSessions(first: $first) {
      nodes {
        id
        name
        status
        progress
        createdAt
        project {
          id
          name
        }
        summary {
          totalComparisons
          changedComparisons
          failedComparisons
        }
      }
      pageInfo {
        hasNextPage
      }
    }
  }
`);

type Session = SessionListQuery['drawingSessions']['nodes'][number];

export default function Sessions() {
  const { t } = useTranslation();
  const [first, setFirst] = useState(PAGE);
  const [{ data, error }, reload] = useQuery({ query: SessionList, variables: { first } });
  useTitle(t('drawings.title'));
  return (
    <div className="page">
      <div className="page-head">
        <h1>{t('drawings.title')}</h1>
        <ButtonLink href="/drawings/new">{t('drawings.new')}</ButtonLink>
      </div>
      {!data && error && <Failed error={error} retry={() => reload({ requestPolicy: 'network-only' })} />}
      {!data && !error && <Loading />}
      {data?.drawingSessions.nodes.length === 0 && (
        <Empty title={t('drawings.empty')}>
          <p>{t('drawings.emptyHint')}</p>
        </Empty>
      )}
      {data && data.drawingSessions.nodes.length > 0 && (
        <ul className="rows">
          {data.drawingSessions.nodes.map((session) => (
            <Row key={session.id} session={session} />
          ))}
        </ul>
      )}
      {data?.drawingSessions.pageInfo.hasNextPage && first < 100 && (
        <Button variant="quiet" onPress={() => setFirst(Math.min(first + PAGE, 100))}>
          {t('action.more')}
        </Button>
      )}
    </div>
  );
}

function Row({ session }: { session: Session }) {
  const { t, i18n } = useTranslation();
  const { totalComparisons, changedComparisons, failedComparisons } = session.summary;
  const day = new Intl.DateTimeFormat(i18n.language, { dateStyle: 'medium' });
  return (
    <li>
      <RouterLink className="row" to={`/drawings/${encodeURIComponent(session.id)}`}>
        <span className="row-main">
          <strong>{session.name}</strong>
          <span className="muted">
            {[session.project?.name, day.format(new Date(session.createdAt))].filter(Boolean).join(' · ')}
          </span>
        </span>
        <span className="row-side">
          {session.status === 'COMPLETED' ? (
            <span className="muted">
              {[
                t('drawings.sheets', { count: totalComparisons }),
                changedComparisons ? t('drawings.changed', { count: changedComparisons }) : null,
                failedComparisons ? t('drawings.failed', { count: failedComparisons }) : null,
              ]
                .filter(Boolean)
                .join(' · ')}
            </span>
          ) : (
            <span className={`badge ${session.status.toLowerCase()}`}>
              {t(`status.${session.status}`)}
              {session.status === 'PROCESSING' && ` · ${session.progress} %`}
            </span>
          )}
        </span>
      </RouterLink>
    </li>
  );
}
