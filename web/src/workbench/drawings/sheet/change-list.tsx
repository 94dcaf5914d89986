// The changes of a sheet: numbered as on the sheet, each with a decision and a note.

import { useEffect, useRef, useState } from 'react';
import { useTranslation } from 'react-i18next';
import { useMutation } from 'urql';
import { Button, Choices, TextField } from '../../design/controls';
import { Notice } from '../../design/states';
import type { ChangeDecision } from '../../graphql/generated/graphql';
import { refusalOf } from '../../graphql/refusals';
import { Review, type Change } from './sheet-query';

const KEYS: Record<string, ChangeDecision> = { a: 'ACCEPTED', i: 'IGNORED', o: 'OPEN' };

interface Props {
  changes: readonly Change[];
  // False if there are changes that the comparison does not list.
  isListed: boolean;
  selected: string | null;
  onSelect: (id: string) => void;
}

export function ChangeList({ changes, isListed, selected, onSelect }: Props) {
  const { t } = useTranslation();
  const [, review] = useMutation(Review);
  const [refusal, setRefusal] = useState<string | null>(null);
  const list = useRef<HTMLOListElement>(null);

  useEffect(() => {
    list.current?.querySelector('[aria-expanded="true"]')?.scrollIntoView({ block: 'nearest' });
  }, [selected]);

  async function decide(change: Change, decision: ChangeDecision, note: string | null = change.note ?? null) {
    const { data, error } = await review({ id: change.id, decision, note });
    setRefusal(refusalOf(data?.changeReview, error));
  }

  // Arrows walk the list; A, I and O decide.
  function onKey(event: React.KeyboardEvent) {
    if (event.target instanceof HTMLInputElement || event.metaKey || event.ctrlKey || event.altKey) return;
    const row = (event.target as HTMLElement).closest('li')?.querySelector<HTMLElement>('[data-row]');
    const at = changes.findIndex(({ id }) => id === row?.dataset.row);
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    const decision = KEYS[event.key.toLowerCase()];
    const next = step ? changes[at + step] : undefined;
    if (next) {
      onSelect(next.id);
      list.current?.querySelector<HTMLElement>(`[data-row="${CSS.escape(next.id)}"]`)?.focus();
    }
    const current = changes[at];
    if (decision && current) void decide(current, decision);
    if (step || (decision && current)) event.preventDefault();
  }

  return (
    <section className="changes" aria-label={t('sheet.changes')}>
      <h2>{isListed ? t('sheets.changes', { count: changes.length }) : t('sheets.notListed')}</h2>
      {changes.length > 0 && <p className="hint">{t('sheet.keys')}</p>}
      {refusal && <Notice>{refusal}</Notice>}
      {/* oxlint-disable-next-line jsx-a11y/no-noninteractive-element-interactions -- keys of the buttons in it */}
      <ol ref={list} onKeyDown={onKey}>
        {changes.map((change, index) => (
          <li key={change.id} className={change.id === selected ? 'selected' : ''}>
            <button
              type="button"
              className="change"
              data-row={change.id}
              aria-expanded={change.id === selected}
              onClick={() => onSelect(change.id)}
            >
              <span className={`number ${change.decision.toLowerCase()}`}>{index + 1}</span>
              <span className="row-main">
                <span>{change.description}</span>
                <span className="muted">
                  {[t(`kind.${change.kind}`), change.grid, change.room].filter(Boolean).join(' · ')}
                </span>
                {change.id !== selected && change.note && <span className="note">{change.note}</span>}
              </span>
              {change.decision !== 'OPEN' && (
                <span className={`badge ${change.decision.toLowerCase()}`}>{t(`decision.${change.decision}`)}</span>
              )}
            </button>
            {change.id === selected && <Decision change={change} decide={decide} />}
          </li>
        ))}
      </ol>
    </section>
  );
}

function Decision({ change, decide }: { change: Change; decide: (change: Change, to: ChangeDecision, note?: string | null) => Promise<void> }) {
  const { t } = useTranslation();
  const [note, setNote] = useState(change.note ?? '');
  const isChanged = note.trim() !== (change.note ?? '');
  return (
    <div className="decision">
      <Choices
        label={t('sheet.decision')}
        value={change.decision}
        onChange={(decision) => void decide(change, decision)}
        choices={(['OPEN', 'ACCEPTED', 'IGNORED'] as const).map((id) => ({ id, label: t(`decision.${id}`) }))}
      />
      <form
        onSubmit={(event) => {
          event.preventDefault();
          void decide(change, change.decision, note.trim() || null);
        }}
      >
        <TextField label={t('sheet.note')} value={note} onChange={setNote} maxLength={2000} />
        {isChanged && (
          <Button type="submit" variant="quiet">
            {t('sheet.saveNote')}
          </Button>
        )}
      </form>
    </div>
  );
}
