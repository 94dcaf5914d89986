// Two issues of a drawing set become a comparison.

import { useState } from 'react';
import { Form } from 'react-aria-components';
import { useTranslation } from 'react-i18next';
import { useNavigate } from 'react-router';
import { useClient } from 'urql';
import { Button, TextField } from '../design/controls';
import { Notice } from '../design/states';
import { useTitle } from '../design/title';
import { graphql } from '../graphql/generated';
import { refusalOf } from '../graphql/refusals';
import { FileField } from '../uploads/file-field';
import { upload } from '../uploads/upload';
import { StartSession } from './session-queries';

const TYPES = ['application/pdf', 'image/png', 'image/jpeg', 'image/tiff', '.dxf'];

const CreateSession = graphql(`
  mutation CreateSession($input: DrawingSessionCreateInput!) {
    drawingSessionCreate(input: $input) {
      session {
        id
      }
      errors {
        message
        path
      }
    }
  }
`);

export default function NewComparison() {
  const { t } = useTranslation();
  const client = useClient();
  const navigate = useNavigate();
  const [files, setFiles] = useState<{ old: File | null; new: File | null }>({ old: null, new: null });
  const [sent, setSent] = useState<{ old: number; new: number } | null>(null);
  const [refusal, setRefusal] = useState<string | null>(null);
  useTitle(t('compare.title'));

  async function submit(event: React.FormEvent<HTMLFormElement>) {
    event.preventDefault();
    const name = String(new FormData(event.currentTarget).get('name')).trim() || null;
    if (!files.old || !files.new) return setRefusal(t('compare.missing'));
    setRefusal(null);
    setSent({ old: 0, new: 0 });
    try {
      const tell = (side: 'old' | 'new') => (share: number) => setSent((all) => all && { ...all, [side]: share });
      const [oldUploadId, newUploadId] = await Promise.all([
        upload(client, files.old, tell('old')),
        upload(client, files.new, tell('new')),
      ]);
      const made = await client.mutation(CreateSession, { input: { name, oldUploadId, newUploadId } }).toPromise();
      const id = made.data?.drawingSessionCreate.session?.id;
      if (!id) throw new Error(refusalOf(made.data?.drawingSessionCreate, made.error) ?? '');
      const begun = await client.mutation(StartSession, { id }).toPromise();
      const reason = refusalOf(begun.data?.drawingSessionStart, begun.error);
      if (reason) throw new Error(reason);
      void navigate(`/drawings/${encodeURIComponent(id)}`);
    } catch (error) {
      setRefusal((error as Error).message);
      setSent(null);
    }
  }

  return (
    <div className="page narrow">
      <h1>{t('compare.title')}</h1>
      <Form onSubmit={submit} className="form">
        {refusal && <Notice>{refusal}</Notice>}
        <div className="two">
          {(['old', 'new'] as const).map((side) => (
            <FileField
              key={side}
              label={t(`compare.${side}`)}
              hint={t('compare.hint')}
              file={files[side]}
              progress={sent && sent[side]}
              types={TYPES}
              onChange={(file) => setFiles((all) => ({ ...all, [side]: file }))}
            />
          ))}
        </div>
        <TextField label={t('compare.name')} hint={t('compare.nameHint')} name="name" />
        <div className="actions">
          <Button type="submit" isBusy={sent !== null}>
            {t('compare.submit')}
          </Button>
        </div>
      </Form>
    </div>
  );
}
