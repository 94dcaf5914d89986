// Reports of a comparison: written on request, then downloaded.

import { useEffect, useState } from 'react';
import { Button as AriaButton, Menu, MenuItem, MenuTrigger, Popover } from 'react-aria-components';
import { useTranslation } from 'react-i18next';
import { useMutation, useSubscription } from 'urql';
import { Notice } from '../design/states';
import { graphql } from '../graphql/generated';
import type { ComparisonReportFormat, SessionQuery } from '../graphql/generated/graphql';
import { refusalOf } from '../graphql/refusals';
import { JobProgress } from './session-queries';

const FORMATS = ['PDF', 'OVERLAY_PDF', 'XLSX', 'CSV', 'BCF'] as const satisfies ComparisonReportFormat[];
type Report = NonNullable<SessionQuery['drawingSession']>['reports'][number];

const RequestReport = graphql(`
  mutation RequestReport($sessionId: ID!, $format: ComparisonReportFormat!) {
    comparisonReport(sessionId: $sessionId, format: $format) {
      job {
        id
      }
      errors {
        message
        path
      }
    }
  }
`);

export function Reports(props: { sessionId: string; reports: readonly Report[]; onChange: () => void }) {
  const { t } = useTranslation();
  const [, request] = useMutation(RequestReport);
  const [jobId, setJobId] = useState<string | null>(null);
  const [refusal, setRefusal] = useState<string | null>(null);
  const [{ data }] = useSubscription({ query: JobProgress, variables: { id: jobId ?? '' }, pause: !jobId });
  const job = jobId && data?.jobProgress.id === jobId ? data.jobProgress : null;
  const { onChange } = props;

  useEffect(() => {
    if (!job || !['COMPLETED', 'FAILED', 'CANCELLED'].includes(job.status)) return;
    setJobId(null);
    if (job.status !== 'COMPLETED') setRefusal(job.errorMessage ?? t('status.ERROR'));
    onChange();
  }, [job, onChange, t]);

  async function write(format: ComparisonReportFormat) {
    const { data: answer, error } = await request({ sessionId: props.sessionId, format });
    setRefusal(refusalOf(answer?.comparisonReport, error));
    setJobId(answer?.comparisonReport.job?.id ?? null);
  }

  return (
    <div className="reports">
      {refusal && <Notice>{refusal}</Notice>}
      {props.reports.map((report) => (
        <a key={report.format} className="button quiet" href={report.url} download={report.name}>
          {t(`report.${report.format}`)}
          {report.isStale && <span className="badge warning">{t('report.stale')}</span>}
        </a>
      ))}
      {jobId ? (
        <span className="badge processing" role="status">
          {t('report.writing')}
        </span>
      ) : (
        <MenuTrigger>
          <AriaButton className="button quiet">{t('report.request')}</AriaButton>
          <Popover className="popover" placement="bottom end">
            <Menu className="menu" aria-label={t('report.request')} onAction={(key) => void write(key as Report['format'])}>
              {FORMATS.map((format) => (
                <MenuItem key={format} id={format} className="item">
                  {t(`report.${format}`)}
                </MenuItem>
              ))}
            </Menu>
          </Popover>
        </MenuTrigger>
      )}
    </div>
  );
}
