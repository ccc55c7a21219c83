package picture

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"runtime/debug"
	"time"

	"github.com/loa-vn/loa/hub/studio/child"
	"github.com/loa-vn/loa/protocol"
)

// Decoder converts files in a process of their own.
type Decoder struct {
	command []string
	turn    chan struct{} // one file at a time
}

// NewDecoder returns a decoder; command is a program that calls Child, with its
// arguments. Without one it refuses every file.
func NewDecoder(command []string) *Decoder {
	return &Decoder{command: command, turn: make(chan struct{}, 1)}
}

// Limits of the process.
const (
	patience  = 30 * time.Second
	memory    = 2 << 30   // bytes of addresses, most of which a Go program only reserves
	heap      = 512 << 20 // bytes: the largest picture in 16 bits a colour
	openFiles = 32
	nice      = 10
)

// Convert turns a file into the one that boards read (page.ReadPicture). Errors:
// those of the package; ctx's.
func (d *Decoder) Convert(ctx context.Context, file []byte) ([]byte, error) {
	if len(d.command) == 0 {
		return nil, fmt.Errorf("no program to decode pictures: %w", ErrFailed)
	}
	if len(file) == 0 {
		return nil, ErrEmpty
	}
	if len(file) > MaxBytes {
		return nil, fmt.Errorf("%d bytes: %w", len(file), ErrBytes)
	}
	select {
	case d.turn <- struct{}{}:
		defer func() { <-d.turn }()
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	var out bytes.Buffer
	_, err := child.Run(ctx, child.Spec{
		Path: d.command[0], Args: d.command[1:], Stdin: bytes.NewReader(file), Stdout: &out,
		Timeout: patience, MaxOutput: protocol.MaxPicture + 1, Memory: memory, OpenFiles: openFiles, FileSize: 1, Nice: nice,
	})
	switch {
	case ctx.Err() != nil:
		return nil, ctx.Err()
	case err != nil:
		return nil, fmt.Errorf("%w: %w", ErrFailed, err)
	case out.Len() == 0:
		return nil, ErrFailed
	}
	word, rest := out.Next(1)[0], out.Bytes()
	if word == 0 {
		return rest, nil
	}
	if list := reasons(); int(word) <= len(list) {
		return nil, fmt.Errorf("%s: %w", rest, list[word-1])
	}
	return nil, ErrFailed
}

// reasons are what a child says instead of a picture, by number from 1.
func reasons() []error {
	return []error{ErrEmpty, ErrBytes, ErrForm, ErrPixels, ErrAnimated, ErrPrint, ErrDamaged}
}

// Child is the process: it reads a file, and writes a zero and the converted file,
// or the number of the reason and the error's text. It returns its exit status.
func Child(in io.Reader, out io.Writer) int {
	debug.SetMemoryLimit(heap)
	file, err := io.ReadAll(io.LimitReader(in, MaxBytes+1))
	if err != nil {
		return 1
	}
	p, err := Convert(file)
	answer := []byte{0}
	if err == nil {
		file, err = p.File()
	}
	if err == nil {
		answer = append(answer, file...)
	} else {
		for i, r := range reasons() {
			if errors.Is(err, r) {
				answer = append([]byte{byte(i + 1)}, err.Error()...)
			}
		}
	}
	if len(answer) == 1 || len(answer) > protocol.MaxPicture+1 {
		return 1
	}
	if _, err := out.Write(answer); err != nil {
		return 1
	}
	return 0
}

// Message says in Vietnamese and in English what an author should do about an
// error of this package.
func Message(err error) (vi, en string) {
	for _, m := range []struct {
		err    error
		vi, en string
	}{
		{ErrEmpty, "Tệp ảnh trống (0 byte). Hãy chọn lại ảnh.", "The picture's file is empty (0 bytes). Choose it again."},
		{ErrBytes, "Tệp ảnh lớn quá 24 MB. Hãy lưu lại ảnh nhỏ hơn.", "The picture's file is over 24 MB. Save a smaller one."},
		{ErrForm, "Tệp này không phải ảnh PNG, JPEG, GIF hoặc WebP. Hãy lưu lại ảnh thành PNG hoặc JPEG.", "This file is no PNG, JPEG, GIF or WebP picture. Save it as PNG or JPEG."},
		{ErrPixels, "Ảnh quá lớn (mỗi cạnh tối đa 10.000 điểm, cả ảnh 50 triệu điểm). Hãy thu nhỏ ảnh rồi tải lại.", "The picture is too large (at most 10,000 px a side, 50 million px in all). Make it smaller and upload it again."},
		{ErrAnimated, "Ảnh động không hiện được trên bảng. Hãy lưu một khung hình thành ảnh tĩnh.", "A moving picture cannot be shown on boards. Save one frame of it as a still picture."},
		{ErrPrint, "Ảnh dùng màu để in (CMYK), hiện lên sẽ sai màu. Hãy lưu lại theo màu RGB.", "The picture has colours for print (CMYK), which would look wrong. Save it with RGB colours."},
		{ErrDamaged, "Tệp ảnh bị hỏng hoặc tải lên chưa hết. Hãy chép lại ảnh gốc rồi tải lại.", "The picture's file is damaged or cut off. Copy the original again and upload it."},
	} {
		if errors.Is(err, m.err) {
			return m.vi, m.en
		}
	}
	return "Chưa đọc được ảnh. Hãy thử lại; nếu vẫn lỗi, hãy lưu ảnh thành PNG.", "The picture could not be read. Try again; if that fails, save it as PNG."
}
