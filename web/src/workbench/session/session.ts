import { useSyncExternalStore } from 'react';
import { onSessionChange, sessionState } from './tokens';

export const useSessionState = () => useSyncExternalStore(onSessionChange, sessionState);
