import { lazy, Suspense, useMemo } from 'react';
import { RouterProvider as AriaRouter } from 'react-aria-components';
import { BrowserRouter, Navigate, Route, Routes, useHref, useLocation, useNavigate } from 'react-router';
import { Provider } from 'urql';
import { Loading } from './design/states';
import { currentClient } from './graphql/client';
import { NotFound } from './layout/not-found';
import { Shell } from './layout/shell';
import { Unreachable } from './layout/unreachable';
import { HOME, SCREENS } from './screens';
import { useSessionState } from './session/session';

const SignIn = lazy(() => import('./account/sign-in'));
const PasswordReset = lazy(() => import('./account/password-reset'));
const ForgottenPassword = lazy(() => import('./account/forgotten-password'));
const EmailVerification = lazy(() => import('./account/email-verification'));
const Invitation = lazy(() => import('./account/invitation'));

export function App() {
  return (
    <BrowserRouter>
      <Pages />
    </BrowserRouter>
  );
}

function Pages() {
  const navigate = useNavigate();
  const state = useSessionState();
  const client = useMemo(currentClient, [state]);
  if (state === 'unreachable') return <Unreachable />;
  return (
    <AriaRouter navigate={(to) => void navigate(to)} useHref={useHref}>
      <Provider value={client}>
        <Suspense fallback={<Loading />}>
          <Routes>
            <Route path="/sign-in" element={state === 'signed-in' ? <GoOn /> : <SignIn />} />
            <Route path="/account/password" element={<ForgottenPassword />} />
            <Route path="/account/password-reset" element={<PasswordReset />} />
            <Route path="/account/email-verification" element={<EmailVerification />} />
            <Route path="/account/invitation" element={<Invitation />} />
            <Route element={state === 'signed-in' ? <Shell /> : <ToSignIn />}>
              <Route path="/" element={<Navigate to={HOME} replace />} />
              {SCREENS.map(({ path, component: Screen }) => (
                <Route key={path} path={path} element={<Screen />} />
              ))}
              <Route path="*" element={<NotFound />} />
            </Route>
          </Routes>
        </Suspense>
      </Provider>
    </AriaRouter>
  );
}

// After the sign-in, the screen that was asked for opens.
function ToSignIn() {
  const { pathname, search } = useLocation();
  return <Navigate to="/sign-in" state={{ from: pathname === '/' ? HOME : pathname + search }} replace />;
}

function GoOn() {
  const { state } = useLocation();
  return <Navigate to={(state as { from?: string } | null)?.from ?? HOME} replace />;
}
