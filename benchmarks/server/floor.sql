CREATE TABLE companies (
  id uuid PRIMARY KEY, name text NOT NULL, domain text NOT NULL, plan text NOT NULL,
  is_active boolean NOT NULL, seats integer NOT NULL, description text, settings jsonb NOT NULL,
  created_at timestamptz NOT NULL, updated_at timestamptz NOT NULL);
CREATE TABLE users (
  id uuid PRIMARY KEY, company_id uuid NOT NULL REFERENCES companies(id), name text NOT NULL, email text NOT NULL,
  role text NOT NULL, is_active boolean NOT NULL, avatar_url text, locale text NOT NULL, preferences jsonb NOT NULL,
  last_login_at timestamptz, created_at timestamptz NOT NULL, updated_at timestamptz NOT NULL);
CREATE TABLE projects (
  id uuid PRIMARY KEY, company_id uuid NOT NULL REFERENCES companies(id), owner_id uuid NOT NULL REFERENCES users(id),
  name text NOT NULL, code text NOT NULL, description text, status text NOT NULL, budget double precision,
  archived boolean NOT NULL, metadata jsonb NOT NULL, created_at timestamptz NOT NULL, updated_at timestamptz NOT NULL);
CREATE TABLE sessions (
  id uuid PRIMARY KEY, project_id uuid NOT NULL REFERENCES projects(id), user_id uuid NOT NULL REFERENCES users(id),
  name text NOT NULL, status text NOT NULL, notes text, progress double precision NOT NULL, settings jsonb NOT NULL,
  started_at timestamptz NOT NULL, finished_at timestamptz, created_at timestamptz NOT NULL, updated_at timestamptz NOT NULL);
CREATE TABLE drawings (
  id uuid PRIMARY KEY, session_id uuid NOT NULL REFERENCES sessions(id), name text NOT NULL, file_url text NOT NULL,
  page_number integer NOT NULL, width integer NOT NULL, height integer NOT NULL, scale double precision,
  mime_type text NOT NULL, metadata jsonb NOT NULL, created_at timestamptz NOT NULL, updated_at timestamptz NOT NULL);
CREATE TABLE comparisons (
  id uuid PRIMARY KEY, session_id uuid NOT NULL REFERENCES sessions(id),
  old_drawing_id uuid NOT NULL REFERENCES drawings(id), new_drawing_id uuid NOT NULL REFERENCES drawings(id),
  status text NOT NULL, score double precision, threshold double precision NOT NULL, change_count integer NOT NULL,
  summary text, options jsonb NOT NULL, created_at timestamptz NOT NULL, updated_at timestamptz NOT NULL);
CREATE TABLE analysis_results (
  id uuid PRIMARY KEY, comparison_id uuid NOT NULL REFERENCES comparisons(id), kind text NOT NULL, severity text NOT NULL,
  confidence double precision NOT NULL, title text NOT NULL, details text, reviewed boolean NOT NULL,
  payload jsonb NOT NULL, created_at timestamptz NOT NULL, updated_at timestamptz NOT NULL);
CREATE TABLE conversations (
  id uuid PRIMARY KEY, session_id uuid NOT NULL REFERENCES sessions(id), user_id uuid NOT NULL REFERENCES users(id),
  title text NOT NULL, model text NOT NULL, status text NOT NULL, summary text, settings jsonb NOT NULL,
  created_at timestamptz NOT NULL, updated_at timestamptz NOT NULL);
CREATE TABLE messages (
  id uuid PRIMARY KEY, conversation_id uuid NOT NULL REFERENCES conversations(id), user_id uuid REFERENCES users(id),
  position integer NOT NULL, role text NOT NULL, content text NOT NULL, token_count integer NOT NULL, latency_ms integer,
  metadata jsonb NOT NULL, created_at timestamptz NOT NULL, updated_at timestamptz NOT NULL);
CREATE TABLE citations (
  id uuid PRIMARY KEY, message_id uuid NOT NULL REFERENCES messages(id), drawing_id uuid REFERENCES drawings(id),
  position integer NOT NULL, label text NOT NULL, quote text NOT NULL, page integer NOT NULL, score double precision NOT NULL,
  bbox jsonb NOT NULL, created_at timestamptz NOT NULL, updated_at timestamptz NOT NULL);

CREATE INDEX ON users(company_id);
CREATE INDEX ON projects(company_id);
CREATE INDEX ON projects(owner_id);
CREATE INDEX ON projects(created_at, id);
CREATE INDEX ON sessions(project_id, created_at, id);
CREATE INDEX ON sessions(user_id);
CREATE INDEX ON drawings(session_id, created_at, id);
CREATE INDEX ON comparisons(session_id, created_at, id);
CREATE INDEX ON comparisons(old_drawing_id);
CREATE INDEX ON comparisons(new_drawing_id);
CREATE INDEX ON analysis_results(comparison_id, created_at, id);
CREATE INDEX ON conversations(session_id);
CREATE INDEX ON conversations(user_id);
CREATE INDEX ON messages(conversation_id, position, id);
CREATE INDEX ON messages(user_id);
CREATE INDEX ON citations(message_id, position, id);
CREATE INDEX ON citations(drawing_id);
