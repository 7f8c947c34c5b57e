// A map over the units that the lanes of a channel have reduced (lib/reduce.wgsl), in the same dispatch. The kernel defines what
// lib/map.wgsl says. A run is read before the first result is stored, so that its reads do not wait for each other: the compiler
// cannot know that the tensors differ.
fn thenMap(here: Place, k: Coefs) {
  let columns = LANES % inner();
  let step = (LANES / inner()) * p.channels * inner() + columns;
  let first = here.begin + here.lane;
  let start = unitAt(here.channel, first);
  var note = NOTHING;
  var cursor = Cursor(start, first % inner());
  for (var i = first; i < here.end; i += RUN * LANES) {
    var places: array<u32, RUN>;
    var values: array<Value, RUN>;
    for (var n = 0u; n < RUN; n += 1u) {
      places[n] = select(places[0], cursor.at, n == 0u || i + n * LANES < here.end); // beyond the end the first again
      values[n] = plain(unit(places[n]), places[n], k);
      cursor = onward(cursor, columns, step);
    }
    for (var n = 0u; n < RUN; n += 1u) {
      note = noted(note, places[n], total(values[n]));
      if (isKept(note)) {
        output[places[n]] = values[n];
      }
    }
  }
  if (anyLost(note)) {
    for (var i = first; i < here.end; i += LANES) {
      let at = unitAt(here.channel, i);
      for (var j = 0u; j < WIDTH; j += 1u) {
        mend(note, at, j, k);
      }
    }
  }
}
