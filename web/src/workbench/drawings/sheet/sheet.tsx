// One sheet in both revisions, and what changed on it.

import { useCallback, useEffect, useMemo, useState } from 'react';
import { Slider, SliderThumb, SliderTrack } from 'react-aria-components';
import { useTranslation } from 'react-i18next';
import { useParams, useSearchParams } from 'react-router';
import { useQuery } from 'urql';
import { Button, Choices, Link } from '../../design/controls';
import { Failed, Loading, Notice } from '../../design/states';
import { useTitle } from '../../design/title';
import { NotFound } from '../../layout/not-found';
import { Alignment } from './alignment';
import { ChangeList } from './change-list';
import { matrixOf, readInks, type Inks } from './inks';
import { SheetDocument, type Comparison } from './sheet-query';
import { SheetView, type Mode } from './sheet-view';

export default function Sheet() {
  const { comparisonId = '', sessionId = '' } = useParams();
  const [{ data, error }, reload] = useQuery({ query: SheetDocument, variables: { id: comparisonId } });
  useTitle(data?.comparison?.drawingName);
  const again = useCallback(() => reload({ requestPolicy: 'network-only' }), [reload]);
  if (error && !data) return <Failed error={error} retry={again} />;
  if (!data) return <Loading />;
  if (!data.comparison) return <NotFound />;
  return <Compared comparison={data.comparison} sessionId={sessionId} reload={again} />;
}

function Compared(props: { comparison: Comparison; sessionId: string; reload: () => void }) {
  const { comparison, sessionId, reload } = props;
  const { t } = useTranslation();
  const [mode, setMode] = useState<Mode>('overlay');
  const [share, setShare] = useState(0.5);
  const [isAligning, setAligning] = useState(false);
  const [search, setSearch] = useSearchParams();
  const inks = useInks(comparison.overlayPreviewUrl);
  const tiles = useStableTiles(comparison);
  const isSeparable = inks !== null && matrixOf(inks, 'old') !== null;
  const selected = search.get('change');
  const select = useCallback(
    (id: string) => setSearch({ change: id }, { replace: true, preventScrollReset: true }),
    [setSearch],
  );
  const finish = useCallback(() => {
    setAligning(false);
    reload();
  }, [reload]);
  const modes: Mode[] = isSeparable ? ['overlay', 'old', 'new', 'slider', 'blink', 'fade'] : ['overlay'];

  return (
    <div className="sheet">
      <header className="sheet-head">
        <div>
          <Link href={`/drawings/${encodeURIComponent(sessionId)}`}>{comparison.session?.name}</Link>
          <h1>{comparison.drawingName}</h1>
        </div>
        {tiles && !isAligning && (
          <div className="toolbar">
            {(mode === 'slider' || mode === 'fade') && (
              <Slider
                className="slider"
                aria-label={t(`mode.${mode}`)}
                minValue={0}
                maxValue={1}
                step={0.01}
                value={share}
                onChange={(value) => setShare(value as number)}
              >
                <SliderTrack className="slider-track">
                  <SliderThumb className="thumb-knob" />
                </SliderTrack>
              </Slider>
            )}
            <Choices
              label={t('sheet.view')}
              value={mode}
              onChange={setMode}
              choices={modes.map((id) => ({ id, label: t(`mode.${id}`) }))}
            />
            {comparison.oldImageUrl && comparison.newImageUrl && (
              <Button variant="quiet" onPress={() => setAligning(true)}>
                {t('align.open')}
              </Button>
            )}
          </div>
        )}
      </header>
      {comparison.lowConfidence && <Notice kind="warning">{t('sheet.doubtful')}</Notice>}
      {comparison.alignmentNotes
        .filter(({ isDoubt }) => isDoubt)
        .map(({ kind, text }) => (
          <Notice key={kind} kind="warning">
            {text}
          </Notice>
        ))}
      {comparison.errorMessage && <Notice>{comparison.errorMessage}</Notice>}
      {isAligning ? (
        <Alignment comparison={comparison} onDone={finish} />
      ) : (
        <div className="sheet-body">
          {tiles ? (
            <SheetView
              tiles={tiles}
              inks={inks}
              mode={mode}
              share={share}
              changes={comparison.changes}
              selected={selected}
              onSelect={select}
            />
          ) : (
            <div className="sheet-view plain">
              {comparison.overlayPreviewUrl ? (
                <img src={comparison.overlayPreviewUrl} alt={t('mode.overlay')} />
              ) : (
                <p className="muted">{t('sheet.noOverlay')}</p>
              )}
            </div>
          )}
          <div className="side">
            <Legend isShown={mode === 'overlay'} inks={inks} />
            <ChangeList
              changes={comparison.changes}
              isListed={comparison.changes.length > 0 || !comparison.changesDetected}
              selected={selected}
              onSelect={select}
            />
            {comparison.smallChangeCount > 0 && (
              <p className="hint">{t('sheet.small', { count: comparison.smallChangeCount })}</p>
            )}
          </div>
        </div>
      )}
    </div>
  );
}

function Legend({ isShown, inks }: { isShown: boolean; inks: Inks | null }) {
  const { t } = useTranslation();
  if (!isShown || !inks) return null;
  const color = (ink: readonly number[]) => `rgb(${ink.map((part) => Math.round((1 - part) * 255)).join(' ')})`;
  return (
    <ul className="legend">
      {(['removed', 'added', 'common'] as const).map((ink) => (
        <li key={ink}>
          <span style={{ background: color(inks[ink]) }} aria-hidden="true" />
          {t(`ink.${ink}`)}
        </li>
      ))}
    </ul>
  );
}

function useInks(url: string | null | undefined): Inks | null {
  const [inks, setInks] = useState<Inks | null>(null);
  const path = url?.split('?')[0];
  useEffect(() => {
    if (url) readInks(url).then(setInks, () => setInks(null));
    // eslint-disable-next-line -- a new signature of the same file is no new file
  }, [path]);
  return inks;
}

// Links are signed anew with every answer. The viewer keeps those that it has until the overlay is another one.
function useStableTiles({ overlayTiles, alignmentScore, alignmentPoints }: Comparison) {
  const version = JSON.stringify([overlayTiles?.width, overlayTiles?.height, alignmentScore, alignmentPoints]);
  // eslint-disable-next-line -- by what the overlay shows
  return useMemo(() => overlayTiles ?? null, [version]);
}
