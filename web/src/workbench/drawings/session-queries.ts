// What the screens of one comparison of drawing sets read.

import { useCallback, useEffect, useState } from 'react';
import { useClient, type CombinedError } from 'urql';
import { graphql } from '../graphql/generated';
import type { SheetsQuery } from '../graphql/generated/graphql';

export const SessionQuery = graphql(`
  query Session($id: ID!) {
    drawingSession(id: $id) {
      id
      name
      status
      progress
      errorMessage
      onlyInOld
      onlyInNew
      reports {
        format
        name
        url
        size
        createdAt
        isStale
      }
    }
  }
`);

export const StartSession = graphql(`
  mutation StartSession($id: ID!) {
    drawingSessionStart(id: $id) {
      session {
        id
        status
        progress
      }
      errors {
        message
        path
      }
    }
  }
`);

export const SessionProgress = graphql(`
  subscription SessionProgress($id: ID!) {
    sessionProgress(id: $id) {
      id
      status
      progress
      errorMessage
    }
  }
`);

export const JobProgress = graphql(`
  subscription JobProgress($id: ID!) {
    jobProgress(id: $id) {
      id
      status
      progress
      errorMessage
    }
  }
`);

export const Sheets = graphql(`
  query Sheets($id: ID!, $after: String) {
    drawingSession(id: $id) {
      id
      comparisons(first: 100, after: $after) {
        nodes {
          id
          drawingName
          state
          changeRatio
          changesDetected
          lowConfidence
          errorMessage
          changes {
            id
            decision
          }
          newDrawing {
            id
            thumbnailUrl
          }
        }
        pageInfo {
          hasNextPage
          endCursor
        }
      }
    }
  }
`);

export type Sheet = NonNullable<SheetsQuery['drawingSession']>['comparisons']['nodes'][number];

// All sheets of a session, those with the most changes first.
export function useSheets(id: string) {
  const client = useClient();
  const [sheets, setSheets] = useState<Sheet[] | null>(null);
  const [error, setError] = useState<CombinedError | null>(null);

  const reload = useCallback(async () => {
    const found: Sheet[] = [];
    for (let after: string | null = null, more = true; more; ) {
      const result: { data?: SheetsQuery; error?: CombinedError } = await client
        .query(Sheets, { id, after }, { requestPolicy: 'network-only' })
        .toPromise();
      const page = result.data?.drawingSession?.comparisons;
      if (!page) return setError(result.error ?? null);
      found.push(...page.nodes);
      after = page.pageInfo.endCursor ?? null;
      more = page.pageInfo.hasNextPage;
    }
    setError(null);
    setSheets(found.sort(byChange));
  }, [client, id]);

  useEffect(() => void reload(), [reload]);
  return { sheets, error, reload };
}

const byChange = (one: Sheet, other: Sheet) => (other.changeRatio ?? -1) - (one.changeRatio ?? -1);
