-- View standing, version 1. A row is one label of the table labels: whether it stands as the truth, and why.
--
-- One item (a frame, a moment, a clip) that was labelled with one template may have the versions of several people. One
-- version of an item stands, and all labels of it: that of an adjudicator (the newest), else the consensus, else the only
-- one, else the one that was begun first. What comes out of a file stands until people have labelled that picture with a
-- template that can draw such a label. What a model says never stands by itself.
--
-- Columns: label_id; stands; standing, one of adjudicated, consensus, single, first (of several versions that nobody has
-- settled) and given (read from a file, or of no annotation any more), which stand, and superseded, replaced (of a file) and
-- proposed (by a model), which do not; versions, how many people's versions the item has; item, its task's key.
WITH versions AS (
  SELECT
    event_id,
    coalesce(server, '') AS server,
    coalesce(project, '') AS project,
    coalesce(task, '') AS task,
    coalesce(annotation, '') AS annotation,
    tool, action, cancelled, role, task_key, task_data, created_ns, updated_ns, received_ns
  FROM label_events
  WHERE action NOT IN ('predicted', 'imported')
),
newest AS (  -- an edit in the dataset belongs to a version and is none of its own
  SELECT * FROM versions
  WHERE tool <> 'rushes'
  QUALIFY row_number() OVER (
    PARTITION BY server, project, task, annotation
    ORDER BY received_ns DESC, action = 'deleted' DESC, updated_ns DESC
  ) = 1
),
living AS (
  SELECT
    * EXCLUDE (cancelled),
    coalesce(task_data::JSON ->> '$.template', '') AS template,
    CASE WHEN role = 'adjudicate' THEN 0 WHEN tool = 'consensus' THEN 1 ELSE 2 END AS rank
  FROM newest
  WHERE action <> 'deleted' AND NOT coalesce(cancelled, false)
),
chosen AS (
  SELECT
    server, project, task, annotation, task_key, rank,
    row_number() OVER (
      PARTITION BY template, coalesce(task_key, event_id)
      ORDER BY rank, CASE WHEN rank < 2 THEN -updated_ns ELSE created_ns END, event_id
    ) AS place,
    count(*) FILTER (WHERE rank = 2) OVER (PARTITION BY template, coalesce(task_key, event_id)) AS people
  FROM living
),
shown AS (  -- every picture that people have labelled, and what their template could draw there
  SELECT DISTINCT
    seen.recording_id, seen.stream, seen.index,
    regexp_matches(config, '<Rectangle') AS box,
    regexp_matches(config, '<(Polygon|Brush|Bitmask|Ellipse|Vector)') AS outline,
    regexp_matches(config, '<KeyPoint') AS keypoints,
    regexp_matches(config, '<(Choices|Taxonomy|TextArea)') AS whole
  FROM (
    SELECT
      server, project,
      unnest(map_values(json_transform(
        task_data::JSON -> '$.shown',
        '"MAP(VARCHAR, STRUCT(recording_id VARCHAR, stream VARCHAR, index BIGINT))"'
      ))) AS seen
    FROM living
  )
  JOIN (
    SELECT
      server, project,
      regexp_replace(config, '<(Choices|Taxonomy|TextArea)[^>]*perRegion[^>]*>', '', 'g') AS config
    FROM annotation_projects
  ) USING (server, project)
)
SELECT
  label_id,
  standing IN ('adjudicated', 'consensus', 'single', 'first', 'given') AS stands,
  standing,
  versions,
  item
FROM (
  SELECT
    labels.label_id,
    CASE
      WHEN labels.source = 'model' THEN 'proposed'
      WHEN labels.source = 'import' AND shown.recording_id IS NOT NULL THEN 'replaced'
      WHEN newest.event_id IS NULL THEN 'given'
      WHEN newest.action = 'deleted' THEN 'given'  -- in the tool; it was edited here, and so it is there still
      WHEN chosen.place IS NULL OR chosen.place > 1 THEN 'superseded'
      WHEN chosen.rank = 0 THEN 'adjudicated'
      WHEN chosen.rank = 1 THEN 'consensus'
      WHEN chosen.people = 1 THEN 'single'
      ELSE 'first'
    END AS standing,
    coalesce(chosen.people, 0) AS versions,
    chosen.task_key AS item
  FROM labels
  LEFT JOIN versions ON versions.event_id = labels.event_id
  LEFT JOIN newest USING (server, project, task, annotation)
  LEFT JOIN chosen USING (server, project, task, annotation)
  LEFT JOIN shown
    ON labels.source = 'import'
    AND shown.recording_id = labels.recording_id
    AND shown.stream = labels.stream
    AND shown.index = labels.index
    AND CASE
      WHEN labels.kind IN ('box', 'rotated_box', 'relation') THEN shown.box
      WHEN labels.kind IN ('polygon', 'mask') THEN shown.outline
      WHEN labels.kind = 'keypoints' THEN shown.keypoints
      WHEN labels.kind IN ('class', 'text') THEN shown.whole
      ELSE false
    END
)
