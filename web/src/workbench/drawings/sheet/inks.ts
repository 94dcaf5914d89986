// The old and the new sheet, out of the colors of their overlay.
//
// A pixel of the overlay is white without shares of three inks: what only the old sheet has, what only the new one has,
// and what both have. The palette of the overlay names the inks: entry `16 * old + new` is the color of these shades,
// of which 0 is black and 15 white. Solving for the shares gives back each sheet, aligned, whatever the colors are.

type Vector = [number, number, number];

export interface Inks {
  removed: Vector;
  added: Vector;
  common: Vector;
}

const ENTRIES = { removed: 0x0f, added: 0xf0, common: 0x00 };
const HEAD_BYTES = 2_047;

// The inks of an overlay, or null if its file has no such palette.
export async function readInks(overlayUrl: string): Promise<Inks | null> {
  const response = await fetch(overlayUrl, { headers: { Range: `bytes=0-${HEAD_BYTES}` } });
  if (!response.ok) return null;
  const bytes = new Uint8Array(await response.arrayBuffer());
  const palette = chunkOf(bytes, 'PLTE');
  if (palette?.length !== 768) return null;
  const ink = (entry: number): Vector => [0, 1, 2].map((part) => 1 - palette[entry * 3 + part]! / 255) as Vector;
  return { removed: ink(ENTRIES.removed), added: ink(ENTRIES.added), common: ink(ENTRIES.common) };
}

function chunkOf(png: Uint8Array, name: string): Uint8Array | null {
  const view = new DataView(png.buffer);
  for (let at = 8; at + 8 <= png.length; ) {
    const length = view.getUint32(at);
    if (String.fromCharCode(...png.subarray(at + 4, at + 8)) === name) return png.subarray(at + 8, at + 8 + length);
    at += 12 + length;
  }
  return null;
}

const cross = (a: Vector, b: Vector): Vector => [
  a[1] * b[2] - a[2] * b[1],
  a[2] * b[0] - a[0] * b[2],
  a[0] * b[1] - a[1] * b[0],
];
const dot = (a: Vector, b: Vector) => a[0] * b[0] + a[1] * b[1] + a[2] * b[2];

// Values of an `feColorMatrix` that shows one sheet in gray; null if the inks cannot be told apart.
export function matrixOf({ removed, added, common }: Inks, sheet: 'old' | 'new'): string | null {
  const own = sheet === 'old' ? removed : added;
  const other = sheet === 'old' ? added : removed;
  const determinant = dot(own, cross(other, common));
  if (Math.abs(determinant) < 0.01) return null;
  const shareOfOwn = cross(other, common);
  const shareOfCommon = cross(own, other);
  const factors = [0, 1, 2].map((part) => (shareOfOwn[part]! + shareOfCommon[part]!) / determinant);
  const row = [...factors, 0, 1 - factors.reduce((sum, factor) => sum + factor, 0)].join(' ');
  return `${row} ${row} ${row} 0 0 0 1 0`;
}
