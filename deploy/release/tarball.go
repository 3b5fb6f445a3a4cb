package main

import (
	"archive/tar"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
)

// pack writes the tarball of a platform and returns its name. All is in one folder:
// the program, and the extras at their paths.
func (r release) pack(b binary) (name string, err error) {
	paths, err := extraFiles(r.extras)
	if err != nil {
		return "", err
	}
	name = r.name(b) + ".tar.gz"
	file, err := os.Create(filepath.Join(r.out, name))
	if err != nil {
		return "", fmt.Errorf("create the tarball: %w", err)
	}
	defer func() {
		if closed := file.Close(); closed != nil {
			err = errors.Join(err, fmt.Errorf("close the tarball: %w", closed))
		}
	}()
	t := tarball{folder: r.name(b), release: r}
	if err := t.write(file, b, paths); err != nil {
		return "", err
	}
	return name, nil
}

// extraFiles returns the files among and below the extras, sorted. Go code, and
// what begins with a dot, stays behind.
func extraFiles(extras []string) ([]string, error) {
	var found []string
	for _, extra := range extras {
		err := filepath.WalkDir(extra, func(file string, entry fs.DirEntry, err error) error {
			switch {
			case err != nil:
				return err
			case entry.IsDir() && (entry.Name() == "testdata" || entry.Name() == "tests"):
				return fs.SkipDir
			case !entry.Type().IsRegular(), path.Ext(file) == ".go", strings.HasPrefix(entry.Name(), "."):
				return nil
			}
			found = append(found, file)
			return nil
		})
		if err != nil {
			return nil, fmt.Errorf("find the extras: %w", err)
		}
	}
	slices.Sort(found)
	return slices.Compact(found), nil
}

// tarball writes entries whose owner, mode and date do not depend on the machine.
type tarball struct {
	folder  string
	release release
	tar     *tar.Writer
}

func (t *tarball) write(w io.Writer, b binary, paths []string) error {
	zip, err := gzip.NewWriterLevel(w, gzip.BestCompression)
	if err != nil {
		return fmt.Errorf("compress: %w", err)
	}
	t.tar = tar.NewWriter(zip)
	if err := t.add("greenapi_exporter", 0o755, b.content); err != nil {
		return err
	}
	for _, file := range paths {
		content, err := os.ReadFile(file)
		if err != nil {
			return fmt.Errorf("read an extra: %w", err)
		}
		if err := t.add(filepath.ToSlash(file), 0o644, content); err != nil {
			return err
		}
	}
	if err := errors.Join(t.tar.Close(), zip.Close()); err != nil {
		return fmt.Errorf("end the tarball: %w", err)
	}
	return nil
}

func (t *tarball) add(name string, mode int64, content []byte) error {
	header := &tar.Header{
		Typeflag: tar.TypeReg, Name: path.Join(t.folder, name), Mode: mode, Size: int64(len(content)),
		ModTime: t.release.date, Format: tar.FormatUSTAR,
	}
	if err := t.tar.WriteHeader(header); err != nil {
		return fmt.Errorf("add %s: %w", name, err)
	}
	if _, err := t.tar.Write(content); err != nil {
		return fmt.Errorf("add %s: %w", name, err)
	}
	return nil
}
