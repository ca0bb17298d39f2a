-- Every command looks for the last FAIL, however many runs there were.
CREATE INDEX canary_runs_fails ON canary_runs (id) WHERE verdict = 'FAIL';
