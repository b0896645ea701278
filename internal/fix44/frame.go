package fix44

import (
	"bytes"
	"errors"
	"fmt"
	"strconv"
)

// MaxMessage bounds a message, in bytes.
const MaxMessage = 64 << 10

// ErrTooLong is a stream in which no message ends within MaxMessage.
var ErrTooLong = errors.New("fix: no message ends")

const soh = 1

// Frame takes the first message off a stream of bytes: n bytes lie up to its end, and message is it, a part of b, if it is sound. One that is garbled is nil:
// FIX has it ignored, and the hole in the numbers asks for it again. With n of 0 there is no whole message yet; then the error is ErrTooLong where
// there will be none.
//
// A sound message has its length and its sum, and fields that each have a number and a value, with those of the frame where they belong. An engine that is
// handed anything else may read a field that is not there, and end its process.
func Frame(b []byte) (message []byte, n int, err error) {
	start := bytes.Index(b, []byte("8=FIX"))
	if start < 0 {
		return nil, len(b) - min(len(b), len("8=FIX")-1), nil
	}
	body, end, whole := extent(b[start:])
	switch {
	case !whole && len(b)-start > MaxMessage:
		return nil, 0, fmt.Errorf("%w within %d bytes", ErrTooLong, MaxMessage)
	case !whole && body >= 0:
		return nil, start, nil // what lies ahead of it is nothing
	case !whole:
		return nil, start + garbled(b[start:]), nil
	}
	if message = b[start : start+end]; !sound(message, body, end) {
		return nil, start + garbled(message), nil
	}
	return message, start + end, nil
}

// garbled is how much of b to pass over, which begins with a message that is none: up to the next that may be one.
func garbled(b []byte) int {
	if next := bytes.Index(b[1:], []byte("8=FIX")); next >= 0 {
		return 1 + next
	}
	return max(1, len(b)-len("8=FIX"))
}

// extent finds where the body of a message begins, and where it ends by the length that it says. Body is -1 for a head that is none, 0 while it is not
// all there.
func extent(b []byte) (body, end int, whole bool) {
	first := bytes.IndexByte(b, soh)
	if first < 0 {
		return 0, 0, false
	}
	length := b[first+1:]
	if len(length) >= 2 && string(length[:2]) != "9=" {
		return -1, 0, false
	}
	stop := bytes.IndexByte(length, soh)
	if stop < 0 {
		if len(length) > 9 {
			return -1, 0, false
		}
		return 0, 0, false
	}
	n, err := strconv.ParseUint(string(length[min(2, stop):stop]), 10, 31)
	if err != nil || n == 0 || n > MaxMessage {
		return -1, 0, false
	}
	body = first + 1 + stop + 1
	end = body + int(n) + len("10=000\x01") //nolint:gosec // at most MaxMessage
	return body, end, len(b) >= end
}

// sound judges a message of the right extent.
func sound(m []byte, body, end int) bool {
	at := end - len("10=000\x01")
	if at < body || m[at-1] != soh || string(m[at:at+3]) != "10=" || m[end-1] != soh {
		return false
	}
	var sum byte
	for _, c := range m[:at] {
		sum += c
	}
	if string(m[at+3:end-1]) != fmt.Sprintf("%03d", sum) {
		return false
	}
	for field := range bytes.SplitSeq(m[body:at-1], []byte{soh}) {
		tag, value, ok := bytes.Cut(field, []byte{'='})
		n, err := strconv.ParseUint(string(tag), 10, 31)
		if !ok || len(value) == 0 || err != nil || n == 0 || tag[0] == '0' || n == BeginString || n == BodyLength || n == CheckSum {
			return false
		}
	}
	return bytes.HasPrefix(m[body:], []byte("35="))
}
