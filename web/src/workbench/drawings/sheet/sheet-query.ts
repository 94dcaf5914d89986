import { graphql } from '../../graphql/generated';
import type { SheetQuery } from '../../graphql/generated/graphql';

export const SheetDocument = graphql(`
  query Sheet($id: ID!) {
    comparison(id: $id) {
      id
      drawingName
      state
      errorMessage
      changesDetected
      lowConfidence
      alignmentScore
      smallChangeCount
      alignmentNotes {
        kind
        isDoubt
        text
      }
      alignmentPoints {
        old {
          x
          y
        }
        new {
          x
          y
        }
      }
      oldImageUrl
      newImageUrl
      overlayPreviewUrl
      overlayTiles {
        width
        height
        tileSize
        maxLevel
        urlTemplate
      }
      session {
        id
        name
      }
      changes {
        id
        kind
        description
        decision
        note
        grid
        room
        box {
          x
          y
          width
          height
        }
      }
    }
  }
`);

export type Comparison = NonNullable<SheetQuery['comparison']>;
export type Change = Comparison['changes'][number];

export const Review = graphql(`
  mutation Review($id: ID!, $decision: ChangeDecision!, $note: String) {
    changeReview(id: $id, decision: $decision, note: $note) {
      comparison {
        id
      }
      errors {
        message
        path
      }
    }
  }
`);

export const Realign = graphql(`
  mutation Realign($id: ID!, $points: [PointPairInput!]) {
    comparisonRealign(id: $id, input: { points: $points }) {
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
