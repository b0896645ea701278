package telemetry

// Remembered is how many paths are known to be down.
func (m *Metrics) Remembered() int { return len(m.tree.down[0]) + len(m.tree.down[1]) }
