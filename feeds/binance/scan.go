package binance

// scanner walks over one JSON text without building anything from it. It accepts exactly the JSON grammar, but for
// the encoding of strings, which it leaves as they stand. Its methods return false at the first byte that is wrong;
// what they return lies within the text.
type scanner struct {
	b []byte
	i int
}

const deepest = 32 // values within values; a frame of the venue has five

// space skips white space and returns the next byte, 0 at the end.
func (s *scanner) space() byte {
	for s.i < len(s.b) {
		c := s.b[s.i]
		if c != ' ' && c != '\t' && c != '\r' && c != '\n' {
			return c
		}
		s.i++
	}
	return 0
}

// take skips white space and then c.
func (s *scanner) take(c byte) bool {
	if s.i < len(s.b) && s.b[s.i] == c {
		s.i++
		return true
	}
	if s.space() != c {
		return false
	}
	s.i++
	return true
}

// end reports whether nothing but white space is left.
func (s *scanner) end() bool { return s.space() == 0 && s.i == len(s.b) }

// text takes a string and returns what stands between its quotes, escapes as they are.
func (s *scanner) text() ([]byte, bool) {
	if !s.take('"') {
		return nil, false
	}
	from := s.i
	for s.i < len(s.b) {
		switch c := s.b[s.i]; {
		case c == '"':
			s.i++
			return s.b[from : s.i-1], true
		case c == '\\':
			if !s.escape() {
				return nil, false
			}
		case c < ' ':
			return nil, false
		default:
			s.i++
		}
	}
	return nil, false
}

func (s *scanner) escape() bool {
	s.i++
	if s.i >= len(s.b) {
		return false
	}
	c := s.b[s.i]
	s.i++
	switch c {
	case '"', '\\', '/', 'b', 'f', 'n', 'r', 't':
		return true
	case 'u':
		for range 4 {
			if s.i >= len(s.b) || !hex(s.b[s.i]) {
				return false
			}
			s.i++
		}
		return true
	}
	return false
}

func hex(c byte) bool {
	return c >= '0' && c <= '9' || c|0x20 >= 'a' && c|0x20 <= 'f'
}

var scale = [10]int64{1e9, 1e8, 1e7, 1e6, 1e5, 1e4, 1e3, 1e2, 10, 1}

// plain takes a quoted decimal as venues write it, with one to nine digits before the point and as many behind it, and
// returns it in units of 1e-9. It takes nothing of any other form, which is left to text and to package market.
func (s *scanner) plain() (int64, bool) {
	b, i := s.b, s.i
	if i >= len(b) || b[i] != '"' {
		return 0, false
	}
	i++
	from := i
	var v int64
	for i < len(b) && b[i]-'0' <= 9 {
		v = v*10 + int64(b[i]-'0')
		i++
	}
	if n := i - from; n == 0 || n > 9 || i+1 >= len(b) || b[i] != '.' {
		return 0, false
	}
	i++
	from = i
	for i < len(b) && b[i]-'0' <= 9 {
		v = v*10 + int64(b[i]-'0')
		i++
	}
	n := i - from
	if n == 0 || n > 9 || i >= len(b) || b[i] != '"' {
		return 0, false
	}
	s.i = i + 1
	return v * scale[n], true
}

// whole takes a number without sign, fraction or exponent that fits 64 bits.
func (s *scanner) whole() (uint64, bool) {
	s.space()
	var n uint64
	from := s.i
	for s.i < len(s.b) {
		c := s.b[s.i] - '0'
		if c > 9 {
			break
		}
		if n > (1<<64-1)/10 || n == (1<<64-1)/10 && c > 5 {
			return 0, false
		}
		n = n*10 + uint64(c)
		s.i++
	}
	digits := s.i - from
	if digits == 0 || digits > 1 && s.b[from] == '0' {
		return 0, false
	}
	if s.i < len(s.b) && (s.b[s.i] == '.' || s.b[s.i]|0x20 == 'e') {
		return 0, false
	}
	return n, true
}

// skip takes any value.
func (s *scanner) skip(depth int) bool {
	switch c := s.space(); {
	case c == '"':
		_, ok := s.text()
		return ok
	case c == '{':
		return depth < deepest && s.object(func([]byte) bool { return s.skip(depth + 1) })
	case c == '[':
		return depth < deepest && s.array(func() bool { return s.skip(depth + 1) })
	case c == 't':
		return s.word("true")
	case c == 'f':
		return s.word("false")
	case c == 'n':
		return s.word("null")
	case c == '-' || c >= '0' && c <= '9':
		return s.number()
	}
	return false
}

func (s *scanner) word(w string) bool {
	if len(s.b)-s.i < len(w) || string(s.b[s.i:s.i+len(w)]) != w {
		return false
	}
	s.i += len(w)
	return true
}

// number takes a number of any form.
func (s *scanner) number() bool {
	if s.i < len(s.b) && s.b[s.i] == '-' {
		s.i++
	}
	if s.i < len(s.b) && s.b[s.i] == '0' {
		s.i++
	} else if !s.digits() {
		return false
	}
	if s.i < len(s.b) && s.b[s.i] == '.' {
		s.i++
		if !s.digits() {
			return false
		}
	}
	if s.i < len(s.b) && s.b[s.i]|0x20 == 'e' {
		s.i++
		if s.i < len(s.b) && (s.b[s.i] == '+' || s.b[s.i] == '-') {
			s.i++
		}
		return s.digits()
	}
	return true
}

func (s *scanner) digits() bool {
	from := s.i
	for s.i < len(s.b) && s.b[s.i] >= '0' && s.b[s.i] <= '9' {
		s.i++
	}
	return s.i > from
}

// object takes an object and calls value for each key, to take its value.
func (s *scanner) object(value func(key []byte) bool) bool {
	if !s.take('{') {
		return false
	}
	if s.take('}') {
		return true
	}
	for {
		key, ok := s.text()
		if !ok || !s.take(':') || !value(key) {
			return false
		}
		if s.take('}') {
			return true
		}
		if !s.take(',') {
			return false
		}
	}
}

// array takes an array and calls value for each of its values, to take it.
func (s *scanner) array(value func() bool) bool {
	if !s.take('[') {
		return false
	}
	if s.take(']') {
		return true
	}
	for {
		if !value() {
			return false
		}
		if s.take(']') {
			return true
		}
		if !s.take(',') {
			return false
		}
	}
}
