// Deep zoom by OpenSeadragon.

import OpenSeadragon from 'openseadragon';

export interface Tiles {
  width: number;
  height: number;
  tileSize: number;
  maxLevel: number;
  urlTemplate: string;
}

export interface Point {
  x: number;
  y: number;
}

const SMALLEST_LEVEL = 8; // 256 pixels, a single tile

export function tileSource({ width, height, tileSize, maxLevel, urlTemplate }: Tiles) {
  return {
    width,
    height,
    tileSize,
    minLevel: Math.min(SMALLEST_LEVEL, maxLevel),
    maxLevel,
    getTileUrl: (level: number, column: number, row: number) =>
      urlTemplate
        .replace('{level}', String(level))
        .replace('{column}', String(column))
        .replace('{row}', String(row)),
  };
}

export function openViewer(element: HTMLElement, source: object): OpenSeadragon.Viewer {
  return OpenSeadragon({
    element,
    tileSources: source as OpenSeadragon.TileSourceOptions,
    drawer: 'canvas',
    showNavigationControl: false,
    animationTime: 0.35,
    maxZoomPixelRatio: 6,
    visibilityRatio: 0.3,
    minZoomImageRatio: 0.7,
    gestureSettingsMouse: { clickToZoom: false, dblClickToZoom: true },
    gestureSettingsTouch: { clickToZoom: false, dblClickToZoom: true, pinchRotate: false },
    gestureSettingsPen: { clickToZoom: false },
  });
}

// The follower shows what the leader shows.
export function follow(leader: OpenSeadragon.Viewer, follower: OpenSeadragon.Viewer): void {
  const align = () => {
    if (!follower.viewport || !leader.viewport) return;
    follower.viewport.zoomTo(leader.viewport.getZoom(true), undefined, true);
    follower.viewport.panTo(leader.viewport.getCenter(true), true);
  };
  leader.addHandler('update-viewport', align);
  leader.addHandler('resize', align);
  follower.addHandler('open', align);
}

export type Viewer = OpenSeadragon.Viewer;
export { OpenSeadragon };
