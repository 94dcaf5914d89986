// The screens behind the sign-in. A new one is an entry here; its code is loaded when it is first opened.

import { lazy, type ComponentType, type LazyExoticComponent } from 'react';

interface Screen {
  path: string;
  // Key of its name in the navigation, or none if other screens lead to it.
  label?: 'nav.drawings';
  component: LazyExoticComponent<ComponentType>;
}

export const SCREENS: Screen[] = [
  { path: '/drawings', label: 'nav.drawings', component: lazy(() => import('./drawings/session-list')) },
  { path: '/drawings/new', component: lazy(() => import('./drawings/new-comparison')) },
  { path: '/drawings/:sessionId', component: lazy(() => import('./drawings/sheet-index')) },
  { path: '/drawings/:sessionId/:comparisonId', component: lazy(() => import('./drawings/sheet/sheet')) },
];

export const HOME = '/drawings';
