// Sends a file: announces it with its digest, then puts it to the signed link.

import type { Client } from 'urql';
import { graphql } from '../graphql/generated';
import { refusalOf } from '../graphql/refusals';

const AnnounceUpload = graphql(`
  mutation AnnounceUpload($input: UploadCreateInput!) {
    uploadCreate(input: $input) {
      upload {
        id
        url
        headers {
          name
          value
        }
      }
      errors {
        message
        path
      }
    }
  }
`);

async function sha256(file: File): Promise<string> {
  if (!crypto.subtle) throw new Error('Uploads require HTTPS or localhost.');
  const digest = await crypto.subtle.digest('SHA-256', await file.arrayBuffer());
  return Array.from(new Uint8Array(digest), (byte) => byte.toString(16).padStart(2, '0')).join('');
}

// The ID of the stored upload. `onProgress` is told the share that was sent, from 0 to 1.
export async function upload(client: Client, file: File, onProgress: (share: number) => void): Promise<string> {
  const input = {
    filename: file.name,
    mimeType: file.type || 'application/octet-stream',
    size: file.size,
    sha256: await sha256(file),
  };
  const { data, error } = await client.mutation(AnnounceUpload, { input }).toPromise();
  const announced = data?.uploadCreate.upload;
  if (!announced) throw new Error(refusalOf(data?.uploadCreate, error) ?? 'The upload was refused.');
  await put(announced.url, announced.headers, file, onProgress);
  return announced.id;
}

function put(
  url: string,
  headers: readonly { name: string; value: string }[],
  file: File,
  onProgress: (share: number) => void,
): Promise<void> {
  return new Promise((resolve, reject) => {
    const request = new XMLHttpRequest(); // fetch() does not tell how much it has sent
    request.open('PUT', url);
    headers.forEach(({ name, value }) => request.setRequestHeader(name, value));
    request.upload.onprogress = ({ loaded, total }) => onProgress(loaded / total);
    request.onload = () => (request.status < 300 ? resolve() : reject(new Error(refusalIn(request))));
    request.onerror = () => reject(new Error('The connection was lost before the file was sent.'));
    request.send(file);
  });
}

function refusalIn(request: XMLHttpRequest): string {
  try {
    return (JSON.parse(request.responseText) as { errors: [{ message: string }] }).errors[0].message;
  } catch {
    return `The file was refused (${request.status}).`;
  }
}
