package opus

import (
	"bytes"
	"encoding/binary"
	"errors"
	"io"
	"os"
	"testing"
)

// greeting is two seconds of espeak-ng saying a sentence of ours, 24 kbit/s mono.
func greeting(t testing.TB) []byte {
	t.Helper()
	data, err := os.ReadFile("testdata/greeting.opus")
	if err != nil {
		t.Fatal(err)
	}
	return data
}

// stream is a file taken apart, to be put together in other pages.
type stream struct {
	head, tags []byte
	packets    [][]byte
	base       int64
	end        int64
}

func takeApart(t testing.TB, file []byte) stream {
	t.Helper()
	p := &pager{src: bytes.NewReader(file)}
	var s stream
	for _, into := range []*[]byte{&s.head, &s.tags} {
		page, err := p.next()
		if err != nil {
			t.Fatal(err)
		}
		*into = bytes.Clone(page.body)
	}
	k := packets{pager: p}
	k.reset()
	for {
		packet, err := k.next()
		if errors.Is(err, io.EOF) {
			return s
		}
		if err != nil {
			t.Fatal(err)
		}
		s.packets = append(s.packets, bytes.Clone(packet.data))
		if packet.granule != noGranule {
			s.end = packet.granule
		}
	}
}

// pageOf builds one page with a right checksum.
func pageOf(flags byte, granule int64, sequence uint32, lacing, body []byte) []byte {
	out := append([]byte("OggS\x00"), flags)
	out = binary.LittleEndian.AppendUint64(out, uint64(granule))
	out = binary.LittleEndian.AppendUint32(out, 77)
	out = binary.LittleEndian.AppendUint32(out, sequence)
	out = binary.LittleEndian.AppendUint32(out, 0)
	out = append(out, byte(len(lacing)))
	out = append(append(out, lacing...), body...)
	binary.LittleEndian.PutUint32(out[22:], crc(0, out))
	return out
}

func lacingOf(packet []byte) (lacing []byte) {
	n := len(packet)
	for ; n >= 255; n -= 255 {
		lacing = append(lacing, 255)
	}
	return append(lacing, byte(n))
}

// file puts s together with at most segments lacing values on a page, so that packets
// cross pages wherever that is too few.
func (s stream) file(t testing.TB, segments int) []byte {
	t.Helper()
	out := pageOf(flagFirst, 0, 0, lacingOf(s.head), s.head)
	out = append(out, pageOf(0, 0, 1, lacingOf(s.tags), s.tags)...)
	var lacing, body []byte
	type ending struct {
		segment int
		granule int64
	}
	var ends []ending
	position := s.base
	for i, p := range s.packets {
		n, err := duration(p)
		if err != nil {
			n = 960 // the fuzzer's packets may promise nothing
		}
		if position += int64(n); i == len(s.packets)-1 {
			position = s.end
		}
		lacing = append(lacing, lacingOf(p)...)
		body = append(body, p...)
		ends = append(ends, ending{len(lacing), position})
	}
	sequence, flags := uint32(2), byte(0)
	for done := 0; done < len(lacing); sequence++ {
		n := min(segments, len(lacing)-done)
		granule := int64(noGranule)
		for len(ends) > 0 && ends[0].segment <= done+n {
			granule = ends[0].granule
			ends = ends[1:]
		}
		size := 0
		for _, l := range lacing[done : done+n] {
			size += int(l)
		}
		if done += n; done == len(lacing) {
			flags |= flagLast
		}
		out = append(out, pageOf(flags, granule, sequence, lacing[done-n:done], body[:size])...)
		body, flags = body[size:], 0
		if lacing[done-1] == 255 {
			flags = flagContinued
		}
	}
	return out
}

func readAll(t testing.TB, file []byte, from int64) []int16 {
	t.Helper()
	r, err := Open(bytes.NewReader(file))
	if err != nil {
		t.Fatal(err)
	}
	if err := r.SeekFrame(from); err != nil {
		t.Fatal(err)
	}
	pcm, err := drain(r)
	if err != nil {
		t.Fatal(err)
	}
	if got, want := int64(len(pcm)/r.Channels()), max(r.Frames()-from, 0); got != want {
		t.Fatalf("%d frames from %d on, want %d", got, from, want)
	}
	return pcm
}

func drain(r *Reader) ([]int16, error) {
	var pcm []int16
	block := make([]int16, 500*r.Channels())
	for {
		n, err := r.Read(block)
		pcm = append(pcm, block[:n*r.Channels()]...)
		if errors.Is(err, io.EOF) {
			return pcm, nil
		}
		if err != nil {
			return pcm, err
		}
	}
}
