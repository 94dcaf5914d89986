// One comparison of drawing sets: progress while it runs, then its sheets by amount of change.

import { useEffect, useState } from 'react';
import { useTranslation } from 'react-i18next';
import { Link as RouterLink, useParams } from 'react-router';
import { useMutation, useQuery, useSubscription } from 'urql';
import { Button, Link } from '../design/controls';
import { Empty, Failed, Loading, Notice } from '../design/states';
import { useTitle } from '../design/title';
import { refusalOf } from '../graphql/refusals';
import { NotFound } from '../layout/not-found';
import { Progress } from '../uploads/file-field';
import { Pairing } from './pairing';
import { Reports } from './reports';
import { SessionProgress, SessionQuery, StartSession, useSheets, type Sheet } from './session-queries';

export default function SheetIndex() {
  const { sessionId = '' } = useParams();
  const { t } = useTranslation();
  const [{ data, error }, reload] = useQuery({ query: SessionQuery, variables: { id: sessionId } });
  const session = data?.drawingSession;
  const isRunning = session?.status === 'PROCESSING';
  const [live] = useSubscription({
    query: SessionProgress,
    variables: { id: sessionId },
    pause: !isRunning,
  });
  const latest = isRunning ? live.data?.sessionProgress : undefined;
  const { sheets, error: sheetError, reload: reloadSheets } = useSheets(sessionId);
  useTitle(session?.name);

  useEffect(() => {
    if (!latest || latest.status === 'PROCESSING') return;
    reload({ requestPolicy: 'network-only' });
    void reloadSheets();
  }, [latest, reload, reloadSheets]);

  if (error && !data) return <Failed error={error} retry={() => reload({ requestPolicy: 'network-only' })} />;
  if (!data) return <Loading />;
  if (!session) return <NotFound />;
  const progress = latest?.progress ?? session.progress;

  return (
    <div className="page">
      <div>
        <Link href="/drawings">{t('drawings.title')}</Link>
        <div className="page-head">
          <h1>{session.name}</h1>
          {session.status === 'COMPLETED' && (
            <Reports
              sessionId={session.id}
              reports={session.reports}
              onChange={() => reload({ requestPolicy: 'network-only' })}
            />
          )}
        </div>
      </div>
      {isRunning && (
        <section className="running" aria-label={t('status.PROCESSING')}>
          <span role="status">
            {t('status.PROCESSING')} · {progress} %
          </span>
          <Progress label={t('status.PROCESSING')} share={progress / 100} />
        </section>
      )}
      {session.status === 'ERROR' && <Notice>{session.errorMessage ?? t('status.ERROR')}</Notice>}
      {session.status === 'ACTIVE' && <Notice kind="warning">{t('status.ACTIVE')}</Notice>}
      {(session.status === 'ERROR' || session.status === 'ACTIVE') && <Start sessionId={session.id} />}
      {sheetError && !sheets && <Failed error={sheetError} retry={() => void reloadSheets()} />}
      {!sheets && !sheetError && <Loading />}
      {sheets?.length === 0 && !isRunning && <Empty title={t('sheets.none')} />}
      {sheets && sheets.length > 0 && (
        <ul className="rows sheets">
          {sheets.map((sheet) => (
            <Row key={sheet.id} sheet={sheet} sessionId={session.id} />
          ))}
        </ul>
      )}
      <Unpaired title={t('sheets.onlyOld')} numbers={session.onlyInOld} />
      <Unpaired title={t('sheets.onlyNew')} numbers={session.onlyInNew} />
      {session.status === 'COMPLETED' && session.onlyInOld.length > 0 && session.onlyInNew.length > 0 && (
        <Pairing
          sessionId={session.id}
          onDone={() => {
            reload({ requestPolicy: 'network-only' });
            void reloadSheets();
          }}
        />
      )}
    </div>
  );
}

function Start({ sessionId }: { sessionId: string }) {
  const { t } = useTranslation();
  const [{ fetching }, start] = useMutation(StartSession);
  const [refusal, setRefusal] = useState<string | null>(null);
  return (
    <div className="actions">
      <Button
        isBusy={fetching}
        onPress={() =>
          void start({ id: sessionId }).then(({ data, error }) =>
            setRefusal(refusalOf(data?.drawingSessionStart, error)),
          )
        }
      >
        {t('compare.start')}
      </Button>
      {refusal && <Notice>{refusal}</Notice>}
    </div>
  );
}

function Row({ sheet, sessionId }: { sheet: Sheet; sessionId: string }) {
  const { t, i18n } = useTranslation();
  const open = sheet.changes.filter(({ decision }) => decision === 'OPEN').length;
  const percent = new Intl.NumberFormat(i18n.language, { style: 'percent', maximumFractionDigits: 1 });
  return (
    <li>
      <RouterLink className="row" to={`/drawings/${encodeURIComponent(sessionId)}/${encodeURIComponent(sheet.id)}`}>
        <span className="thumb">
          {sheet.newDrawing?.thumbnailUrl && <img src={sheet.newDrawing.thumbnailUrl} alt="" loading="lazy" />}
        </span>
        <span className="row-main">
          <strong>{sheet.drawingName}</strong>
          <span className="muted">
            {sheet.state === 'FAILED'
              ? sheet.errorMessage
              : sheet.changesDetected
                ? sheet.changes.length > 0
                  ? t('sheets.changes', { count: sheet.changes.length })
                  : t('sheets.notListed')
                : sheet.state === 'COMPLETED'
                  ? t('sheets.unchanged')
                  : t('status.PROCESSING')}
            {open > 0 && open < sheet.changes.length && ` · ${t('sheets.open', { count: open })}`}
          </span>
        </span>
        <span className="row-side">
          {sheet.lowConfidence && <span className="badge warning">{t('sheets.doubtful')}</span>}
          {sheet.state === 'FAILED' && <span className="badge failed">{t('status.ERROR')}</span>}
          {sheet.changesDetected && sheet.changeRatio != null && (
            <span className="ratio">
              <span className="meter" aria-hidden="true">
                <span style={{ width: `${Math.min(1, Math.sqrt(sheet.changeRatio)) * 100}%` }} />
              </span>
              <span>{t('sheets.ratio', { share: percent.format(sheet.changeRatio) })}</span>
            </span>
          )}
        </span>
      </RouterLink>
    </li>
  );
}

function Unpaired({ title, numbers }: { title: string; numbers: readonly string[] }) {
  if (numbers.length === 0) return null;
  return (
    <section className="unpaired">
      <h2>{title}</h2>
      <p>{numbers.join(', ')}</p>
    </section>
  );
}
