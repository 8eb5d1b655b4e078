// The catalogue's tables. A change of the schema is a new script at the end of kMigrations; those
// that a release has carried stay as they are.
#include "store/catalogue_state.h"

namespace lathe::store {
namespace {

constexpr std::string_view kVersion1 = R"sql(
CREATE TABLE models(
  name            TEXT PRIMARY KEY,
  kind            TEXT NOT NULL,
  path            TEXT NOT NULL,
  size_bytes      INTEGER NOT NULL CHECK(size_bytes >= 0),
  parameters      INTEGER NOT NULL CHECK(parameters >= 0),
  family          TEXT NOT NULL,
  context_length  INTEGER NOT NULL CHECK(context_length >= 0),
  quantization    TEXT NOT NULL,
  fingerprint     TEXT NOT NULL CHECK(fingerprint <> ''),
  template_hash   TEXT NOT NULL,
  tokenizer_hash  TEXT NOT NULL,
  created         INTEGER NOT NULL
) STRICT;

CREATE TABLE adaptations(
  name              TEXT PRIMARY KEY,
  kind              TEXT NOT NULL,
  base_model        TEXT REFERENCES models(name),  -- NULL: fits every model
  base_fingerprint  TEXT NOT NULL,
  path              TEXT NOT NULL,
  size_bytes        INTEGER NOT NULL CHECK(size_bytes >= 0),
  settings          TEXT NOT NULL,                 -- a JSON object
  created           INTEGER NOT NULL
) STRICT;
CREATE INDEX adaptations_by_base ON adaptations(base_model);

CREATE TABLE deployments(
  name             TEXT PRIMARY KEY,
  current_version  INTEGER NOT NULL,
  created          INTEGER NOT NULL,
  FOREIGN KEY(name, current_version) REFERENCES versions(deployment, version)
    DEFERRABLE INITIALLY DEFERRED
) STRICT;

CREATE TABLE versions(
  deployment            TEXT NOT NULL REFERENCES deployments(name) ON DELETE CASCADE,
  version               INTEGER NOT NULL CHECK(version >= 1),
  reference             TEXT NOT NULL,
  model                 TEXT NOT NULL REFERENCES models(name),
  minimum_instances     INTEGER NOT NULL,
  maximum_instances     INTEGER NOT NULL,
  maximum_idle_seconds  INTEGER NOT NULL,
  created               INTEGER NOT NULL,
  PRIMARY KEY(deployment, version)
) STRICT;
CREATE INDEX versions_by_model ON versions(model);

CREATE TABLE version_adaptations(
  deployment  TEXT NOT NULL,
  version     INTEGER NOT NULL,
  position    INTEGER NOT NULL,
  adaptation  TEXT NOT NULL REFERENCES adaptations(name),
  PRIMARY KEY(deployment, version, position),
  FOREIGN KEY(deployment, version) REFERENCES versions(deployment, version) ON DELETE CASCADE
) STRICT;
CREATE INDEX version_adaptations_by_adaptation ON version_adaptations(adaptation);

CREATE TABLE revisions(
  deployment  TEXT NOT NULL REFERENCES deployments(name) ON DELETE CASCADE,
  revision    INTEGER NOT NULL CHECK(revision >= 1),
  kind        TEXT NOT NULL CHECK(kind IN ('deploy', 'rollback', 'scale')),
  version     INTEGER NOT NULL,
  what        TEXT NOT NULL,
  created     INTEGER NOT NULL,
  PRIMARY KEY(deployment, revision)
) STRICT;

CREATE TABLE requests(
  id                 INTEGER PRIMARY KEY AUTOINCREMENT,
  reference          TEXT NOT NULL,
  deployment         TEXT NOT NULL,
  version            INTEGER NOT NULL,
  started            INTEGER NOT NULL,
  prompt_tokens      INTEGER NOT NULL,
  completion_tokens  INTEGER NOT NULL,
  latency_ms         REAL NOT NULL,
  load_ms            REAL NOT NULL,
  status             INTEGER NOT NULL
) STRICT;
CREATE INDEX requests_by_deployment ON requests(deployment, id);

-- Models and deployments share one namespace.
CREATE TRIGGER model_name_is_free BEFORE INSERT ON models
WHEN EXISTS(SELECT 1 FROM deployments WHERE name = NEW.name)
BEGIN SELECT RAISE(ABORT, 'a deployment has this name'); END;

CREATE TRIGGER deployment_name_is_free BEFORE INSERT ON deployments
WHEN EXISTS(SELECT 1 FROM models WHERE name = NEW.name)
BEGIN SELECT RAISE(ABORT, 'a model has this name'); END;

-- What a version answers with never changes.
CREATE TRIGGER version_is_immutable
BEFORE UPDATE OF deployment, version, reference, model, created ON versions
BEGIN SELECT RAISE(ABORT, 'a version is immutable'); END;

CREATE TRIGGER version_adaptation_is_immutable BEFORE UPDATE ON version_adaptations
BEGIN SELECT RAISE(ABORT, 'a version is immutable'); END;
)sql";

constexpr std::string_view kVersion2 = R"sql(
ALTER TABLE models ADD COLUMN details TEXT NOT NULL DEFAULT '{}';  -- a JSON object
)sql";

constexpr std::string_view kVersion3 = R"sql(
CREATE TABLE comparisons(
  id          INTEGER PRIMARY KEY AUTOINCREMENT,
  model       TEXT NOT NULL REFERENCES models(name) ON DELETE CASCADE,
  repository  TEXT NOT NULL,
  data        TEXT NOT NULL,
  data_hash   TEXT NOT NULL,
  rows        INTEGER NOT NULL CHECK(rows >= 0),
  way         TEXT NOT NULL,
  accuracy    REAL NOT NULL CHECK(accuracy BETWEEN 0 AND 1),
  low         REAL NOT NULL,
  high        REAL NOT NULL,
  created     INTEGER NOT NULL
) STRICT;
CREATE INDEX comparisons_by_model ON comparisons(model);
)sql";

constexpr std::string_view kMigrations[] = {kVersion1, kVersion2, kVersion3};

}  // namespace

// "Lcat"
const database::Schema kCatalogueSchema{"catalogue", 0x4c636174, kMigrations};

}  // namespace lathe::store
