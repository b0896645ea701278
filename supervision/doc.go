// Package supervision decides what the end of a part means, and carries it out: it starts children in order, each when the
// one before is ready, restarts them within an intensity, and when it can no longer help it gives up upward until the root
// shuts the tree. It keeps promise P8 (let it crash) and, by order, readiness and fencing, the ground under P1, P2, P3 and P7.
//
// Every decision is a pure function of state and input (promise P9): State.Decide is one supervisor, and the scripts of
// testdata and the living tree run the same one. The package never restarts an incarnation in place, never waits without an
// end, never kills a goroutine (what does not end is fenced and left), and never lets two unfenced incarnations of a name be.
package supervision
