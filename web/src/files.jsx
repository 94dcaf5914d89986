// The Files panel: creates an upload, sends the file, and shows the upload ID that other operations take.

import { useState } from 'react';
import { announceFile } from './examples.js';
import { request } from './session.js';

async function sha256(bytes) {
  if (!crypto.subtle) throw new Error('Uploads from the browser require HTTPS or localhost.');
  const digest = new Uint8Array(await crypto.subtle.digest('SHA-256', bytes));
  return Array.from(digest, (byte) => byte.toString(16).padStart(2, '0')).join('');
}

async function send(file) {
  const bytes = await file.arrayBuffer();
  const input = {
    filename: file.name,
    mimeType: file.type || 'application/octet-stream',
    size: file.size,
    sha256: await sha256(bytes),
  };
  const result = await request({ query: announceFile, variables: { input } });
  const refusal = result.errors?.[0] ?? result.data.uploadCreate.errors[0];
  if (refusal) throw new Error(refusal.message);
  const { id, url, headers } = result.data.uploadCreate.upload;
  const sent = await fetch(url, {
    method: 'PUT',
    body: bytes,
    headers: Object.fromEntries(headers.map(({ name, value }) => [name, value])),
  });
  if (!sent.ok) throw new Error(`Upload failed: ${sent.status} ${await sent.text()}`);
  return id;
}

function Files() {
  const [files, setFiles] = useState([]);
  const show = (key, entry) => setFiles((all) => [...all.filter((other) => other.key !== key), { key, ...entry }]);

  async function add(chosen) {
    for (const file of chosen) {
      const key = crypto.randomUUID?.() ?? `${file.name}${Date.now()}`;
      show(key, { name: file.name, state: 'Uploading…' });
      try {
        show(key, { name: file.name, id: await send(file) });
      } catch (error) {
        show(key, { name: file.name, state: error.message });
      }
    }
  }

  return (
    <div className="seshat-files">
      <h2>Files</h2>
      <p>Sign in, then choose files to upload. Use the upload ID of a file in other operations.</p>
      <input type="file" multiple onChange={(event) => add([...event.target.files])} />
      <ul>
        {files.map(({ key, name, id, state }) => (
          <li key={key}>
            {name}
            <br />
            {id ? <code>{id}</code> : state}{' '}
            {id && (
              <button type="button" onClick={() => navigator.clipboard.writeText(id)}>
                Copy
              </button>
            )}
          </li>
        ))}
      </ul>
    </div>
  );
}

const Icon = () => (
  <svg viewBox="0 0 24 24" height="1.5em" fill="none" stroke="currentColor" strokeWidth="1.5">
    <path d="M12 16V4m0 0L7 9m5-5 5 5M4 15v5h16v-5" />
  </svg>
);

export const filesPlugin = { title: 'Files', icon: Icon, content: Files };
