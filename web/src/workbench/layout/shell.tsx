// The frame of every screen: skip link, navigation, appearance, language, sign-out.

import { Suspense, useEffect, useRef, useState } from 'react';
import { Button as AriaButton, Menu, MenuItem, MenuSection, MenuTrigger, Header, Popover } from 'react-aria-components';
import { useTranslation } from 'react-i18next';
import { NavLink, Outlet, useLocation } from 'react-router';
import { useQuery } from 'urql';
import { applyTheme, currentTheme, type Theme } from '../design/appearance';
import { Loading } from '../design/states';
import { graphql } from '../graphql/generated';
import { LANGUAGES, speak, type Language } from '../i18n';
import { SCREENS } from '../screens';
import { useOnline } from '../session/online';
import { signOut } from '../session/tokens';
import { Mark } from './mark';

const Me = graphql(`
  query Me {
    me {
      id
      username
      fullName
      email
      company {
        id
        name
      }
    }
  }
`);

export function Shell() {
  const { t } = useTranslation();
  const { pathname } = useLocation();
  const main = useRef<HTMLElement>(null);
  const isFirst = useRef(true);
  const isOnline = useOnline();

  // A new screen begins at its top, also for the keyboard and screen readers.
  useEffect(() => {
    if (!isFirst.current) main.current?.focus();
    isFirst.current = false;
  }, [pathname]);

  return (
    <div className="shell">
      <a className="skip" href="#content">
        {t('nav.skip')}
      </a>
      <header className="bar">
        <NavLink to="/" className="brand" aria-label="Seshat">
          <Mark />
          <span>Seshat</span>
        </NavLink>
        <nav aria-label={t('nav.main')}>
          {SCREENS.filter(({ label }) => label).map(({ path, label }) => (
            <NavLink key={path} to={path}>
              {t(label!)}
            </NavLink>
          ))}
        </nav>
        <Account />
      </header>
      {!isOnline && (
        <p className="banner" role="status">
          {t('state.offlineHint')}
        </p>
      )}
      <main id="content" ref={main} tabIndex={-1}>
        <Suspense fallback={<Loading />}>
          <Outlet />
        </Suspense>
      </main>
    </div>
  );
}

function Account() {
  const { t, i18n } = useTranslation();
  const [{ data }] = useQuery({ query: Me });
  const [hasFailed, setFailed] = useState(false);
  const name = data?.me.fullName ?? data?.me.username ?? '';
  const initials = name.split(/\s+/).map((word) => word[0]).slice(0, 2).join('').toUpperCase();

  function act(key: React.Key) {
    const [kind, value] = String(key).split(':');
    if (kind === 'theme') applyTheme(value as Theme);
    if (kind === 'language') void speak(value as Language);
    if (kind === 'sign-out') void signOut().then((isOver) => setFailed(!isOver));
    if (kind === 'explorer') location.assign('/graphql');
  }

  return (
    <>
      {hasFailed && (
        <span role="alert" className="badge error">
          {t('account.signOutFailed')}
        </span>
      )}
      <MenuTrigger>
        <AriaButton className="account" aria-label={t('account.menu')}>
          <span className="avatar" data-initials={initials} />
        </AriaButton>
        <Popover className="popover" placement="bottom end">
          <div className="who">
            <strong>{name}</strong>
            <span>{data?.me.email}</span>
            <span>{data?.me.company?.name}</span>
          </div>
          <Menu className="menu" onAction={act} aria-label={t('account.menu')}>
            <MenuSection selectionMode="single" defaultSelectedKeys={[`theme:${currentTheme()}`]} disallowEmptySelection>
              <Header>{t('account.appearance')}</Header>
              {(['system', 'light', 'dark'] as const).map((theme) => (
                <MenuItem key={theme} id={`theme:${theme}`} className="item">
                  {t(`theme.${theme}`)}
                </MenuItem>
              ))}
            </MenuSection>
            <MenuSection
              selectionMode="single"
              defaultSelectedKeys={[`language:${i18n.language}`]}
              disallowEmptySelection
            >
              <Header>{t('account.language')}</Header>
              {(Object.keys(LANGUAGES) as Language[]).map((language) => (
                <MenuItem key={language} id={`language:${language}`} className="item">
                  {LANGUAGES[language]}
                </MenuItem>
              ))}
            </MenuSection>
            <MenuSection aria-label={t('account.session')}>
              <MenuItem id="explorer" className="item">
                {t('account.explorer')}
              </MenuItem>
              <MenuItem id="sign-out" className="item">
                {t('account.signOut')}
              </MenuItem>
            </MenuSection>
          </Menu>
        </Popover>
      </MenuTrigger>
    </>
  );
}
