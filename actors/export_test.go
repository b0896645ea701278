package actors

// ArmedTimers is how many timers are set.
func ArmedTimers(s *System) int {
	s.timers.mu.Lock()
	defer s.timers.mu.Unlock()
	return len(s.timers.heap)
}

// Workers is how many workers the pool counts, and how many are parked; the same when nothing is to be done.
func Workers(s *System) (counted, parked int) {
	s.pool.mu.Lock()
	defer s.pool.mu.Unlock()
	return s.pool.live, len(s.pool.parked)
}
