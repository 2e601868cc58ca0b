/* What ClickHouse's exception codes (src/Common/ErrorCodes.cpp) ask for; see clickhouse.h. Codes
 * that are not listed are of the statement and its table: trying again would meet them again. */
#include "clients/clickhouse.h"

#define READONLY                     164
#define SETTING_CONSTRAINT_VIOLATION 452

static const short passing[] = {
	3,        /* UNEXPECTED_END_OF_FILE: the body was cut off */
	32,       /* ATTEMPT_TO_READ_AFTER_EOF */
	33,       /* CANNOT_READ_ALL_DATA */
	74,       /* CANNOT_READ_FROM_FILE_DESCRIPTOR */
	75,       /* CANNOT_WRITE_TO_FILE_DESCRIPTOR: the disk is full */
	76,       /* CANNOT_OPEN_FILE */
	77,       /* CANNOT_CLOSE_FILE */
	95,       /* CANNOT_READ_FROM_SOCKET */
	96,       /* CANNOT_WRITE_TO_SOCKET */
	101,      /* UNEXPECTED_PACKET_FROM_CLIENT */
	159,      /* TIMEOUT_EXCEEDED */
	160,      /* TOO_SLOW */
	READONLY, /* like all rights, mended on the server */
	173,      /* CANNOT_ALLOCATE_MEMORY */
	198,      /* DNS_ERROR */
	201,      /* QUOTA_EXCEEDED */
	202,      /* TOO_MANY_SIMULTANEOUS_QUERIES */
	203,      /* NO_FREE_CONNECTION */
	204,      /* CANNOT_FSYNC */
	209,      /* SOCKET_TIMEOUT */
	210,      /* NETWORK_ERROR */
	225,      /* NO_ZOOKEEPER */
	232,      /* NO_SUCH_DATA_PART */
	236,      /* ABORTED */
	241,      /* MEMORY_LIMIT_EXCEEDED */
	242,      /* TABLE_IS_READ_ONLY */
	243,      /* NOT_ENOUGH_SPACE */
	244,      /* UNEXPECTED_ZOOKEEPER_ERROR */
	252,      /* TOO_MANY_PARTS */
	254,      /* NO_ACTIVE_REPLICAS */
	265,      /* NO_AVAILABLE_REPLICA */
	279,      /* ALL_CONNECTION_TRIES_FAILED */
	285,      /* TOO_FEW_LIVE_REPLICAS */
	286,      /* UNSATISFIED_QUORUM_FOR_PREVIOUS_WRITE */
	289,      /* REPLICA_IS_NOT_IN_QUORUM */
	291,      /* DATABASE_ACCESS_DENIED */
	319,      /* UNKNOWN_STATUS_OF_INSERT */
	364,      /* RECEIVED_ERROR_TOO_MANY_REQUESTS */
	373,      /* SESSION_IS_LOCKED */
	394,      /* QUERY_WAS_CANCELLED */
	416,      /* REPLICA_STATUS_CHANGED */
	425,      /* SYSTEM_ERROR */
	439,      /* CANNOT_SCHEDULE_TASK */
	473,      /* DEADLOCK_AVOIDED */
	497,      /* ACCESS_DENIED */
	499,      /* S3_ERROR */
	517,      /* CANNOT_ASSIGN_ALTER */
	529,      /* NOT_A_LEADER */
	571,      /* DATABASE_REPLICATION_FAILED */
	574,      /* DISTRIBUTED_TOO_MANY_PENDING_BYTES */
	667,      /* NOT_INITIALIZED */
	677,      /* THREAD_WAS_CANCELED */
	692,      /* TOO_MANY_MUTATIONS */
	696,      /* ASYNC_LOAD_CANCELED */
	722,      /* ASYNC_LOAD_WAIT_FAILED: tables are still being loaded */
	734,      /* CANNOT_WRITE_AFTER_BUFFER_CANCELED */
	735,      /* QUERY_WAS_CANCELLED_BY_CLIENT */
	745,      /* SERVER_OVERLOADED */
	999,      /* KEEPER_EXCEPTION */
	1000,     /* POCO_EXCEPTION */
	1001,     /* STD_EXCEPTION: an allocation that failed, among others */
	1002,     /* UNKNOWN_EXCEPTION */
};

static const short of_configuration[] = {
	115,                               /* UNKNOWN_SETTING */
	192,                               /* UNKNOWN_USER */
	193,                               /* WRONG_PASSWORD */
	194,                               /* REQUIRED_PASSWORD */
	195,                               /* IP_ADDRESS_NOT_ALLOWED */
	SETTING_CONSTRAINT_VIOLATION, 516, /* AUTHENTICATION_FAILED */
};

enum error_kind clickhouse_error_kind(int code)
{
	for (size_t i = 0; i < COUNT_OF(passing); i++)
		if (passing[i] == code)
			return ERROR_RETRY;
	for (size_t i = 0; i < COUNT_OF(of_configuration); i++)
		if (of_configuration[i] == code)
			return ERROR_CONFIG;
	return ERROR_TABLE;
}

const char *clickhouse_error_mend(int code)
{
	switch (code) {
	case READONLY: return "; the settings profile of the user must have readonly = 0";
	case SETTING_CONSTRAINT_VIOLATION:
		return "; the settings profile of the user must let tailrace set it";
	default: return "";
	}
}
