// A place to drop a file, or to choose one.

import { useId } from 'react';
import { DropZone, FileTrigger, isFileDropItem, ProgressBar } from 'react-aria-components';
import { useTranslation } from 'react-i18next';
import { Button } from '../design/controls';

interface Props {
  label: string;
  hint: string;
  file: File | null;
  // Share that was sent, from 0 to 1; null before.
  progress: number | null;
  types: string[];
  onChange: (file: File) => void;
}

export function FileField({ label, hint, file, progress, types, onChange }: Props) {
  const { t, i18n } = useTranslation();
  const id = useId();
  const size = new Intl.NumberFormat(i18n.language, {
    style: 'unit',
    unit: 'megabyte',
    maximumFractionDigits: 1,
  });
  return (
    <div role="group" aria-labelledby={id}>
      <DropZone
        className={`drop${file ? ' filled' : ''}`}
        aria-labelledby={id}
        onDrop={(event) => {
          const item = event.items.find(isFileDropItem);
          if (item) void item.getFile().then(onChange);
        }}
      >
        <strong id={id}>{label}</strong>
        {file ? (
          <span className="file-name">
            {file.name} <span className="muted">{size.format(file.size / 1e6)}</span>
          </span>
        ) : (
          <span className="muted">{hint}</span>
        )}
        {progress === null ? (
          <FileTrigger acceptedFileTypes={types} onSelect={(files) => files?.[0] && onChange(files[0])}>
            <Button variant="quiet">{file ? t('upload.replace') : t('upload.choose')}</Button>
          </FileTrigger>
        ) : (
          <Progress label={t('upload.sending', { name: file?.name })} share={progress} />
        )}
      </DropZone>
    </div>
  );
}

export function Progress({ label, share }: { label: string; share: number }) {
  return (
    <ProgressBar aria-label={label} value={share * 100} className="progress">
      <span className="track">
        <span className="fill" style={{ width: `${share * 100}%` }} />
      </span>
    </ProgressBar>
  );
}
