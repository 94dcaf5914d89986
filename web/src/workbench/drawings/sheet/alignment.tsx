// Alignment by hand: the same two to four places are clicked on both sheets.

import { useEffect, useRef, useState } from 'react';
import { useTranslation } from 'react-i18next';
import { useMutation, useSubscription } from 'urql';
import { Button } from '../../design/controls';
import { Notice } from '../../design/states';
import { refusalOf } from '../../graphql/refusals';
import { JobProgress } from '../session-queries';
import { Realign, type Comparison } from './sheet-query';
import { OpenSeadragon, openViewer, type Point, type Viewer } from './zoom';

const MOST_PAIRS = 4;
type Points = { old: Point[]; new: Point[] };

export function Alignment({ comparison, onDone }: { comparison: Comparison; onDone: () => void }) {
  const { t } = useTranslation();
  const [, realign] = useMutation(Realign);
  const [points, setPoints] = useState<Points>({
    old: comparison.alignmentPoints?.map((pair) => pair.old) ?? [],
    new: comparison.alignmentPoints?.map((pair) => pair.new) ?? [],
  });
  const [refusal, setRefusal] = useState<string | null>(null);
  const [jobId, setJobId] = useState<string | null>(null);
  const [{ data }] = useSubscription({ query: JobProgress, variables: { id: jobId ?? '' }, pause: !jobId });
  const job = jobId && data?.jobProgress.id === jobId ? data.jobProgress : null;
  const pairs = Math.min(points.old.length, points.new.length);
  const isEven = points.old.length === points.new.length;

  useEffect(() => {
    if (!job || !['COMPLETED', 'FAILED', 'CANCELLED'].includes(job.status)) return;
    setJobId(null);
    if (job.status === 'COMPLETED') onDone();
    else setRefusal(job.errorMessage ?? t('status.ERROR'));
  }, [job, onDone, t]);

  // A sheet takes a point when it has no more than the other one.
  const add = (side: keyof Points) => (point: Point) =>
    setPoints((all) => {
      const other = side === 'old' ? all.new : all.old;
      const isFull = all[side].length >= MOST_PAIRS || all[side].length > other.length;
      return isFull ? { ...all, [side]: [...all[side].slice(0, -1), point] } : { ...all, [side]: [...all[side], point] };
    });

  async function align(chosen: { old: Point; new: Point }[] | null) {
    const { data: answer, error } = await realign({ id: comparison.id, points: chosen });
    setRefusal(refusalOf(answer?.comparisonRealign, error));
    setJobId(answer?.comparisonRealign.comparison?.job?.id ?? null);
  }

  const chosen = points.old.slice(0, pairs).map((old, index) => ({ old, new: points.new[index]! }));
  return (
    <section className="alignment" aria-label={t('align.title')}>
      <div className="toolbar">
        <p>{jobId ? t('align.running') : t('align.hint', { count: pairs })}</p>
        <Button isBusy={jobId !== null || pairs < 2 || !isEven} onPress={() => void align(chosen)}>
          {t('align.submit')}
        </Button>
        <Button variant="quiet" isDisabled={pairs + (isEven ? 0 : 1) === 0} onPress={() => setPoints({ old: [], new: [] })}>
          {t('align.clear')}
        </Button>
        <Button variant="quiet" isBusy={jobId !== null} onPress={() => void align(null)}>
          {t('align.automatic')}
        </Button>
        <Button variant="plain" onPress={onDone}>
          {t('action.close')}
        </Button>
      </div>
      {refusal && <Notice>{refusal}</Notice>}
      <div className="panes">
        {(['old', 'new'] as const).map((side) => (
          <Pane
            key={side}
            title={t(`mode.${side}`)}
            url={(side === 'old' ? comparison.oldImageUrl : comparison.newImageUrl) ?? ''}
            points={points[side]}
            onPoint={add(side)}
          />
        ))}
      </div>
    </section>
  );
}

function Pane(props: { title: string; url: string; points: Point[]; onPoint: (point: Point) => void }) {
  const element = useRef<HTMLDivElement>(null);
  const viewer = useRef<Viewer | null>(null);
  const onPoint = useRef(props.onPoint);
  onPoint.current = props.onPoint;
  const [isOpen, setOpen] = useState(false);

  useEffect(() => {
    const opened = openViewer(element.current!, { type: 'image', url: props.url });
    viewer.current = opened;
    opened.addHandler('open', () => setOpen(true));
    opened.addHandler('canvas-click', (event) => {
      if (!event.quick) return;
      const place = opened.viewport.viewerElementToImageCoordinates(event.position);
      onPoint.current({ x: place.x, y: place.y });
    });
    return () => opened.destroy();
  }, [props.url]);

  useEffect(() => {
    const opened = viewer.current;
    if (!isOpen || !opened) return;
    opened.clearOverlays();
    props.points.forEach(({ x, y }, index) => {
      const mark = document.createElement('div');
      mark.className = 'pin';
      mark.textContent = String(index + 1);
      const location = opened.viewport.imageToViewportCoordinates(x, y);
      opened.addOverlay({ element: mark, location, placement: OpenSeadragon.Placement.CENTER });
    });
  }, [props.points, isOpen]);

  return (
    <figure>
      <figcaption>{props.title}</figcaption>
      <div ref={element} className="layer" />
    </figure>
  );
}
