// Two sheets that were not recognized as revisions of each other are compared because a person says so.

import { useCallback, useEffect, useState } from 'react';
import { Button as AriaButton, Label, ListBox, ListBoxItem, Popover, Select, SelectValue } from 'react-aria-components';
import { useTranslation } from 'react-i18next';
import { useClient, useMutation, useSubscription, type CombinedError } from 'urql';
import { Button } from '../design/controls';
import { Notice } from '../design/states';
import { graphql } from '../graphql/generated';
import type { UnmatchedQuery } from '../graphql/generated/graphql';
import { messageOf, refusalOf } from '../graphql/refusals';
import { JobProgress } from './session-queries';

const UnmatchedSheets = graphql(`
  query Unmatched($id: ID!, $after: String) {
    drawingSession(id: $id) {
      id
      drawings(first: 100, after: $after) {
        nodes {
          id
          drawingName
          drawingType
          state
        }
        pageInfo {
          hasNextPage
          endCursor
        }
      }
    }
  }
`);

const Pair = graphql(`
  mutation Pair($old: ID!, $new: ID!) {
    comparisonPair(input: { oldDrawingId: $old, newDrawingId: $new }) {
      comparison {
        id
        job {
          id
        }
      }
      errors {
        message
        path
      }
    }
  }
`);

type Unmatched = NonNullable<UnmatchedQuery['drawingSession']>['drawings']['nodes'];

// The sheets without a counterpart, of all pages of the list.
function useUnmatched(id: string) {
  const client = useClient();
  const [sheets, setSheets] = useState<Unmatched>([]);
  const [error, setError] = useState<string | null>(null);
  const reload = useCallback(async () => {
    const found: Unmatched = [];
    for (let after: string | null = null, more = true; more; ) {
      const result: { data?: UnmatchedQuery; error?: CombinedError } = await client
        .query(UnmatchedSheets, { id, after }, { requestPolicy: 'network-only' })
        .toPromise();
      const page = result.data?.drawingSession?.drawings;
      if (!page) return setError(result.error ? messageOf(result.error) : null);
      found.push(...page.nodes.filter(({ state }) => state === 'UNMATCHED'));
      after = page.pageInfo.endCursor ?? null;
      more = page.pageInfo.hasNextPage;
    }
    setError(null);
    setSheets(found);
  }, [client, id]);
  useEffect(() => void reload(), [reload]);
  return { sheets, error, reload };
}

export function Pairing({ sessionId, onDone }: { sessionId: string; onDone: () => void }) {
  const { t } = useTranslation();
  const { sheets, error, reload } = useUnmatched(sessionId);
  const [, pair] = useMutation(Pair);
  const [chosen, setChosen] = useState<{ old: string | null; new: string | null }>({ old: null, new: null });
  const [refusal, setRefusal] = useState<string | null>(null);
  const [jobId, setJobId] = useState<string | null>(null);
  const [live] = useSubscription({ query: JobProgress, variables: { id: jobId ?? '' }, pause: !jobId });
  const job = jobId && live.data?.jobProgress.id === jobId ? live.data.jobProgress : null;

  useEffect(() => {
    if (!job || !['COMPLETED', 'FAILED', 'CANCELLED'].includes(job.status)) return;
    setJobId(null);
    setChosen({ old: null, new: null });
    if (job.status !== 'COMPLETED') setRefusal(job.errorMessage ?? t('status.ERROR'));
    void reload();
    onDone();
  }, [job, onDone, reload, t]);

  async function submit() {
    if (!chosen.old || !chosen.new) return;
    const answer = await pair({ old: chosen.old, new: chosen.new });
    setRefusal(refusalOf(answer.data?.comparisonPair, answer.error));
    setJobId(answer.data?.comparisonPair.comparison?.job?.id ?? null);
  }

  return (
    <section className="pairing" aria-labelledby="pairing">
      <h2 id="pairing">{t('pairing.title')}</h2>
      <p className="muted">{t('pairing.hint')}</p>
      {(refusal ?? error) && <Notice>{refusal ?? error}</Notice>}
      <div className="pairing-row">
        {(['old', 'new'] as const).map((side) => (
          <Select
            key={side}
            className="field"
            placeholder={t('pairing.choose')}
            value={chosen[side]}
            onChange={(key) => setChosen((all) => ({ ...all, [side]: key as string | null }))}
          >
            <Label>{t(`pairing.${side}`)}</Label>
            <AriaButton className="select">
              <SelectValue />
              <span aria-hidden="true">▾</span>
            </AriaButton>
            <Popover className="popover">
              <ListBox className="menu">
                {sheets
                  .filter(({ drawingType }) => drawingType === side.toUpperCase())
                  .map(({ id, drawingName }) => (
                    <ListBoxItem key={id} id={id} className="item">
                      {drawingName ?? id}
                    </ListBoxItem>
                  ))}
              </ListBox>
            </Popover>
          </Select>
        ))}
        <Button
          variant="quiet"
          isBusy={jobId !== null}
          isDisabled={!chosen.old || !chosen.new}
          onPress={() => void submit()}
        >
          {jobId ? t('status.PROCESSING') : t('pairing.submit')}
        </Button>
      </div>
    </section>
  );
}
