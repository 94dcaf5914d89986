// The seven-pointed emblem of Seshat.
export const Mark = () => (
  <svg className="mark" viewBox="-12 -12 24 24" aria-hidden="true">
    {Array.from({ length: 7 }, (_, ray) => (
      <path key={ray} d="M0-2.6 1.5-7 0-11-1.5-7Z" transform={`rotate(${(ray * 360) / 7})`} />
    ))}
    <circle r="1.6" />
  </svg>
);
