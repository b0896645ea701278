package node

import (
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"

	"github.com/failshut/failshut/strategy"
)

// snapshotBound is what a snapshot is good for: nothing else may begin from it.
type snapshotBound struct {
	name   string
	params [32]byte // hash of those in force
	build  string
}

func boundOf(name string, params []strategy.Param, build string) snapshotBound {
	h := sha256.New()
	for _, p := range params {
		_, _ = fmt.Fprintf(h, "%q=%q\n", p.Name, p.Text)
	}
	return snapshotBound{name, [32]byte(h.Sum(nil)), build}
}

// snapshotMagic begins each file; the digit is the version of its form.
const snapshotMagic = "fshtsnp1"

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// The reasons for which a file is set aside.
var (
	errCorrupt    = errors.New("corrupt")
	errOtherBound = errors.New("of another name, parameters or build")
)

// encodeSnapshot writes a file: the magic word, name, hash of the parameters, build and body, each after its length, and a CRC32C of
// everything before it.
func encodeSnapshot(b snapshotBound, body []byte) []byte {
	out := []byte(snapshotMagic)
	for _, part := range [][]byte{[]byte(b.name), b.params[:], []byte(b.build), body} {
		out = binary.BigEndian.AppendUint32(out, uint32(len(part)))
		out = append(out, part...)
	}
	return binary.BigEndian.AppendUint32(out, crc32.Checksum(out, castagnoli))
}

// decodeSnapshot reads a file back. The errors are errCorrupt and errOtherBound.
func decodeSnapshot(b snapshotBound, file []byte) ([]byte, error) {
	if len(file) < len(snapshotMagic)+4 || string(file[:len(snapshotMagic)]) != snapshotMagic {
		return nil, errCorrupt
	}
	rest, sum := file[:len(file)-4], binary.BigEndian.Uint32(file[len(file)-4:])
	if crc32.Checksum(rest, castagnoli) != sum {
		return nil, errCorrupt
	}
	rest = rest[len(snapshotMagic):]
	var parts [4][]byte
	for i := range parts {
		if len(rest) < 4 || uint64(len(rest)-4) < uint64(binary.BigEndian.Uint32(rest)) {
			return nil, errCorrupt
		}
		end := 4 + int(binary.BigEndian.Uint32(rest))
		parts[i], rest = rest[4:end], rest[end:]
	}
	if len(rest) != 0 || len(parts[3]) > strategy.MaxSnapshot {
		return nil, errCorrupt
	}
	if string(parts[0]) != b.name || string(parts[1]) != string(b.params[:]) || string(parts[2]) != b.build {
		return nil, errOtherBound
	}
	return append([]byte{}, parts[3]...), nil
}
