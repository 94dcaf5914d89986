// The sheet: old, new or both, with its numbered changes.

import { useEffect, useId, useRef, useState } from 'react';
import { useTranslation } from 'react-i18next';
import { Button } from '../../design/controls';
import { matrixOf, type Inks } from './inks';
import type { Change } from './sheet-query';
import { follow, OpenSeadragon, openViewer, tileSource, type Tiles, type Viewer } from './zoom';

export type Mode = 'overlay' | 'old' | 'new' | 'slider' | 'blink' | 'fade';
const BLINK_MS = 700;
const MARGIN = 12; // pixels between a change and its frame

interface Props {
  tiles: Tiles;
  inks: Inks | null;
  mode: Mode;
  // Place of the slider, or opacity of the new sheet, from 0 to 1.
  share: number;
  changes: readonly Change[];
  selected: string | null;
  onSelect: (id: string) => void;
}

export function SheetView({ tiles, inks, mode, share, changes, selected, onSelect }: Props) {
  const { t } = useTranslation();
  const id = useId().replace(/\W/g, '');
  const below = useRef<HTMLDivElement>(null);
  const above = useRef<HTMLDivElement>(null);
  const [viewer, setViewer] = useState<Viewer | null>(null);
  const [follower, setFollower] = useState<Viewer | null>(null);
  const [isShown, setShown] = useState(true);
  const isDouble = mode === 'slider' || mode === 'blink' || mode === 'fade';

  useEffect(() => {
    const opened = openViewer(below.current!, tileSource(tiles));
    setViewer(opened);
    return () => {
      setViewer(null);
      opened.destroy();
    };
  }, [tiles]);

  useEffect(() => {
    if (!isDouble || !viewer) return;
    const second = openViewer(above.current!, tileSource(tiles));
    second.setMouseNavEnabled(false);
    follow(viewer, second);
    setFollower(second);
    return () => {
      setFollower(null);
      second.destroy();
    };
  }, [isDouble, tiles, viewer]);

  useEffect(() => {
    if (mode !== 'blink') return;
    const timer = setInterval(() => setShown((shown) => !shown), BLINK_MS);
    return () => clearInterval(timer);
  }, [mode]);

  useClouds(viewer, changes, selected, onSelect);
  useClouds(follower, changes, selected, onSelect);
  useSelection(viewer, tiles, changes, selected);

  const zoom = (factor: number) => viewer?.viewport.zoomBy(factor).applyConstraints();
  const first = mode === 'overlay' ? 'none' : mode === 'new' ? `url(#${id}new)` : `url(#${id}old)`;
  const style = {
    slider: { clipPath: `inset(0 0 0 ${share * 100}%)` },
    fade: { opacity: share },
    blink: { visibility: isShown ? ('visible' as const) : ('hidden' as const) },
  };

  return (
    <section className="sheet-view" aria-label={t('sheet.view')}>
      <svg className="filters" aria-hidden="true">
        {(['old', 'new'] as const).map((sheet) => (
          <filter key={sheet} id={id + sheet} colorInterpolationFilters="sRGB">
            <feColorMatrix type="matrix" values={(inks && matrixOf(inks, sheet)) ?? undefined} />
          </filter>
        ))}
      </svg>
      <div ref={below} className="layer" style={inked(first)} />
      {isDouble && (
        <div
          ref={above}
          className="layer above"
          style={{ ...inked(`url(#${id}new)`), ...style[mode as keyof typeof style] }}
        />
      )}
      {mode === 'slider' && <span className="divider" style={{ left: `${share * 100}%` }} aria-hidden="true" />}
      <div className="zoom">
        <Button variant="quiet" aria-label={t('sheet.zoomIn')} onPress={() => zoom(1.5)}>
          +
        </Button>
        <Button variant="quiet" aria-label={t('sheet.zoomOut')} onPress={() => zoom(1 / 1.5)}>
          −
        </Button>
        <Button variant="quiet" aria-label={t('sheet.whole')} onPress={() => viewer?.viewport.goHome()}>
          ⤢
        </Button>
      </div>
    </section>
  );
}

const inked = (filter: string) => ({ '--ink': filter }) as React.CSSProperties;

// The numbered frames around changes. They follow the sheet; for the keyboard, the list does the same.
function useClouds(
  viewer: Viewer | null,
  changes: readonly Change[],
  selected: string | null,
  onSelect: (id: string) => void,
) {
  const latest = useRef({ selected, onSelect });
  latest.current = { selected, onSelect };

  useEffect(() => {
    if (!viewer) return;
    const trackers: OpenSeadragon.MouseTracker[] = [];
    const show = () => {
      viewer.clearOverlays();
      changes.forEach((change, index) => {
        const element = cloudOf(change, index + 1, change.id === latest.current.selected);
        const { x, y, width, height } = change.box;
        const location = viewer.viewport.imageToViewportRectangle(
          x - MARGIN,
          y - MARGIN,
          width + 2 * MARGIN,
          height + 2 * MARGIN,
        );
        viewer.addOverlay({ element, location });
        const clickHandler = (event: object) => {
          if ((event as { quick?: boolean }).quick) latest.current.onSelect(change.id);
        };
        trackers.push(new OpenSeadragon.MouseTracker({ element, clickHandler }));
      });
    };
    whenOpen(viewer, show);
    return () => {
      viewer.removeHandler('open', show);
      trackers.forEach((tracker) => tracker.destroy());
    };
  }, [viewer, changes]);

  useEffect(() => {
    viewer?.element?.querySelectorAll<HTMLElement>('.cloud').forEach((cloud) => {
      cloud.classList.toggle('selected', cloud.dataset.change === selected);
    });
  }, [viewer, selected]);
}

// The sheet moves to the change that is selected, not to one whose decision has changed.
function useSelection(viewer: Viewer | null, tiles: Tiles, changes: readonly Change[], selected: string | null) {
  const latest = useRef(changes);
  latest.current = changes;
  useEffect(() => {
    const change = latest.current.find(({ id }) => id === selected);
    if (!viewer || !change) return;
    const show = () => {
      const { x, y, width, height } = change.box;
      const room = Math.max(width, height, tiles.width / 12);
      viewer.viewport.fitBounds(
        viewer.viewport.imageToViewportRectangle(x + width / 2 - room, y + height / 2 - room, room * 2, room * 2),
      );
    };
    whenOpen(viewer, show);
    return () => viewer.removeHandler('open', show);
  }, [viewer, tiles, selected]);
}

function whenOpen(viewer: Viewer, act: () => void) {
  if (viewer.world.getItemCount() > 0) act();
  else viewer.addOnceHandler('open', act);
}

function cloudOf(change: Change, number: number, isSelected: boolean): HTMLElement {
  const element = document.createElement('div');
  element.className = `cloud ${change.decision.toLowerCase()}${isSelected ? ' selected' : ''}`;
  element.dataset.change = change.id;
  element.setAttribute('aria-hidden', 'true');
  element.append(Object.assign(document.createElement('span'), { textContent: String(number) }));
  return element;
}
