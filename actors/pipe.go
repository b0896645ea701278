package actors

import (
	"context"
	"fmt"
	"sync"
)

// Pipe hands values from handlers to one Run function, at most cap of them at a time. Make one with NewPipe.
// Offer is safe for any number of goroutines.
type Pipe[T any] struct {
	mu      sync.Mutex
	buf     []T
	head, n int
	reader  *work // waits for a value
}

// NewPipe makes a pipe that holds exactly capacity values. ErrConfig if that is less than 1.
func NewPipe[T any](_ *System, capacity int) (*Pipe[T], error) {
	if capacity < 1 {
		return nil, fmt.Errorf("%w: pipe of %d, want at least 1", ErrConfig, capacity)
	}
	return &Pipe[T]{buf: make([]T, capacity)}, nil
}

// Offer puts v at the end, or answers ErrFull. It never blocks and allocates nothing.
func (p *Pipe[T]) Offer(v T) error {
	p.mu.Lock()
	if p.n == len(p.buf) {
		p.mu.Unlock()
		return ErrFull
	}
	p.buf[(p.head+p.n)%len(p.buf)] = v
	p.n++
	w := p.reader
	p.reader = nil
	p.mu.Unlock()
	if w != nil {
		w.wake()
	}
	return nil
}

// Len is how many values wait.
func (p *Pipe[T]) Len() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.n
}

// Next takes the oldest value and waits for one if there is none: the cause of ctx, or ErrFenced, end the wait.
// Values that wait are handed out even when ctx has ended, so that a reader can finish its work. One Run
// function at a time reads.
func (p *Pipe[T]) Next(ctx context.Context, out Outside) (T, error) {
	var none T
	if out.w == nil {
		return none, ErrInActor
	}
	for {
		p.mu.Lock()
		if p.n > 0 {
			v := p.buf[p.head]
			p.buf[p.head] = none
			p.head = (p.head + 1) % len(p.buf)
			p.n--
			p.mu.Unlock()
			return v, nil
		}
		p.reader = out.w
		p.mu.Unlock()
		if err := out.w.park(ctx); err != nil {
			return none, err
		}
	}
}
