// Package breakers holds traps for circuit breakers and what stands beside them, and puts package resilience and two other
// libraries into each: go test runs them in fake time, and holds what came out against the table in README.md, so that a
// row of another library cannot grow old unseen. It is a module of its own: who uses Failshut downloads none of them.
package breakers
