import { useEffect } from 'react';

// The title of the page, which screen readers announce and the history shows.
export function useTitle(title: string | null | undefined): void {
  useEffect(() => {
    document.title = title ? `${title} · Seshat` : 'Seshat';
  }, [title]);
}
