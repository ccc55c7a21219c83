package api

import (
	"bytes"
	"errors"

	"github.com/loa-vn/loa/hub/photo"
	"github.com/loa-vn/loa/hub/problem"
	"github.com/loa-vn/loa/protocol"
)

// cleaned returns a photograph without what the camera wrote beside it. One at a
// time: a picture takes four bytes a pixel while it is looked at. Errors:
// problem.ErrInvalid, ErrTooLarge.
func (s *Server) cleaned(file []byte) ([]byte, error) {
	s.photos.Lock()
	defer s.photos.Unlock()
	clean, err := photo.Clean(file)
	switch {
	case errors.Is(err, photo.ErrFormat):
		return nil, problem.New(problem.ErrInvalid, "no-picture", "body", "Tệp không phải ảnh JPEG, PNG hoặc WebP. Hãy chụp lại.", "The file is no JPEG, PNG or WebP picture. Take it again.").Because(err)
	case errors.Is(err, photo.ErrLarge):
		return nil, problem.New(problem.ErrTooLarge, "large-picture", "body", "Ảnh có quá nhiều điểm ảnh, tối đa 24 triệu. Hãy chụp với cỡ nhỏ hơn.", "The picture has too many pixels, at most 24 million. Take a smaller one.").Because(err)
	}
	return clean, err
}

// keep stores bytes by their digest.
func (s *Server) keep(data []byte) (protocol.Digest, error) {
	digest, _, err := s.Sounds.Put(bytes.NewReader(data), int64(len(data)))
	return digest, err
}
