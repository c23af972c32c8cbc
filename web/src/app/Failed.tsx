import { Link } from 'wouter';

/** In the place of what cannot be shown: why, and a way on. */
export const Failed = ({ error }: { error: Error }) => (
  <section className="failed" aria-label="Not shown">
    <p className="error">{error.message}</p>
    <Link href="/">New conversation</Link>
  </section>
);
