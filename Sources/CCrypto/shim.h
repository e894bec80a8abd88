#pragma once
// SHA256_Init and its kind are deprecated in favor of providers; Digest/SHA256.swift says why it calls them.
#define OPENSSL_SUPPRESS_DEPRECATED
#include <openssl/evp.h>
#include <openssl/md5.h>
#include <openssl/sha.h>
