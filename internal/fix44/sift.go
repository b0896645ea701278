package fix44

import "io"

// Sift reads a stream of which only the sound messages are given on. It is for one goroutine.
type Sift struct {
	from  io.Reader
	buf   []byte
	ready []byte // of a message, not given on yet; in buf
	after int    // bytes of buf that are done with once it is
	err   error

	Garbled uint64 // messages that were ignored
}

// NewSift sifts what from says.
func NewSift(from io.Reader) *Sift { return &Sift{from: from} }

// Read gives on the next bytes of sound messages. Its errors are those of what it reads from, and ErrTooLong.
func (s *Sift) Read(b []byte) (int, error) {
	for len(s.ready) == 0 {
		if err := s.next(); err != nil {
			return 0, err
		}
	}
	n := copy(b, s.ready)
	s.ready = s.ready[n:]
	return n, nil
}

// next finds a message, or reads more.
func (s *Sift) next() error {
	s.buf, s.after = s.buf[s.after:], 0
	m, n, err := Frame(s.buf)
	switch {
	case err != nil:
		return err
	case n > 0:
		s.ready, s.after = m, n
		if m == nil && n >= len("8=FIX") {
			s.Garbled++
		}
		return nil
	case s.err != nil:
		return s.err
	}
	more := make([]byte, 4096)
	n, s.err = s.from.Read(more)
	s.buf = append(s.buf, more[:n]...)
	return nil
}
