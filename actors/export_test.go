package actors

// ArmedTimers is how many timers are set.
func ArmedTimers(s *System) int {
	s.timers.mu.Lock()
	defer s.timers.mu.Unlock()
	return len(s.timers.heap)
}
