/**
 * The steps that have ended, and of which some try got no answer, for a query that begins with it. Older journals say so
 * by the code of the last try alone.
 */
export const UNANSWERED = `WITH unanswered AS (
  SELECT operation_id, json_extract(detail, '$.label') FROM history
   WHERE event IN ('step done', 'step failed')
     AND (json_extract(detail, '$.unanswered') = 1 OR json_extract(detail, '$.code') = 'TIMEOUT'))`;
