"""One mutation for each field of the type Mutation that needs a scope."""

# %s is a number, so that each write changes the profile.
PROFILE_WRITES = {
    "updateUserMetadata": 'mutation { updateUserMetadata(input: {userId: "auth0|john", patch: {n: %s}}) { user { id version name roles { name } } errors { code } } }',
    "updateAppMetadata": 'mutation { updateAppMetadata(input: {userId: "auth0|john", patch: {n: %s}}) { user { id version name roles { name } } errors { code } } }',
    "updateRootAttributes": 'mutation { updateRootAttributes(input: {userId: "auth0|john", name: "n%s"}) { user { id version name roles { name } } errors { code } } }',
}


# If the caller has the scopes, the mutation fails because of its input and changes nothing.
OTHER_MUTATIONS = {
    "unlinkDevice": 'mutation { unlinkDevice(input: {userId: "auth0|john", deviceId: "none"}) { errors { code } } }',
    "createUser": 'mutation { createUser(input: {connection: "none"}) { errors { code } } }',
    "deleteUser": 'mutation { deleteUser(input: {userId: "auth0|john", ifVersion: 99999999}) { errors { code } } }',
    "sendVerificationEmail": 'mutation { sendVerificationEmail(input: {userId: "auth0|john", ifVersion: 99999999}) { errors { code } } }',
    "sendPasswordResetEmail": 'mutation { sendPasswordResetEmail(input: {userId: "auth0|john", ifVersion: 99999999}) { errors { code } } }',
    "changeEmail": 'mutation { changeEmail(input: {userId: "auth0|john", email: "x"}) { errors { code } } }',
    "changeUsername": 'mutation { changeUsername(input: {userId: "auth0|john", username: "j", ifVersion: 99999999}) { errors { code } } }',
    "changePhoneNumber": 'mutation { changePhoneNumber(input: {userId: "auth0|john", phoneNumber: null, ifVersion: 99999999}) { errors { code } } }',
    "changePassword": 'mutation { changePassword(input: {userId: "auth0|john", newPassword: "x", ifVersion: 99999999}) { errors { code } } }',
    "verifyPassword": 'mutation { verifyPassword(input: {connection: "none", identifier: "x", password: "x"}) { errors { code } } }',
    "exportPersonalData": 'mutation { exportPersonalData(input: {userId: "auth0|john", ifVersion: 99999999}) { errors { code } } }',
    "recordGrant": 'mutation { recordGrant(input: {userId: "auth0|none", clientId: "c", clientName: "c", audience: "a", scopes: []}) { errors { code } } }',
    "revokeApplication": 'mutation { revokeApplication(input: {userId: "auth0|john", id: "none"}) { errors { code } } }',
    "recordMfaEnrollment": 'mutation { recordMfaEnrollment(input: {userId: "auth0|none", enrollmentId: "e", type: "totp"}) { errors { code } } }',
    "removeMfaEnrollments": 'mutation { removeMfaEnrollments(input: {userId: "auth0|john", all: true}) { errors { code } } }',
    "createRole": 'mutation { createRole(input: {name: ""}) { errors { code } } }',
    "updateRole": 'mutation { updateRole(input: {roleId: "none"}) { errors { code } } }',
    "deleteRole": 'mutation { deleteRole(input: {roleId: "none"}) { errors { code } } }',
    "assignRoles": 'mutation { assignRoles(input: {userId: "auth0|john", roleIds: ["rol_editor"], ifVersion: 99999999}) { errors { code } } }',
    "unassignRoles": 'mutation { unassignRoles(input: {userId: "auth0|john", roleIds: ["rol_editor"], ifVersion: 99999999}) { errors { code } } }',
    "grantPermissions": 'mutation { grantPermissions(input: {userId: "auth0|john", permissions: [], ifVersion: 99999999}) { errors { code } } }',
    "revokePermissions": 'mutation { revokePermissions(input: {userId: "auth0|john", permissions: [], ifVersion: 99999999}) { errors { code } } }',
    "blockUser": 'mutation { blockUser(input: {userId: "auth0|john", ifVersion: 99999999}) { errors { code } } }',
    "unblockUser": 'mutation { unblockUser(input: {userId: "auth0|john", ifVersion: 99999999}) { errors { code } } }',
    "linkIdentity": 'mutation { linkIdentity(input: {userId: "auth0|john", secondary: {userId: "none"}}) { errors { code } } }',
    "unlinkIdentity": 'mutation { unlinkIdentity(input: {userId: "auth0|john", identityId: "none"}) { errors { code } } }',
    "saveAuthConnection": 'mutation { saveAuthConnection(input: {name: "-", strategy: "oidc"}) { errors { code } } }',
    "deleteAuthConnection": 'mutation { deleteAuthConnection(input: {name: "-"}) { errors { code } } }',
    "saveLoginRule": 'mutation { saveLoginRule(input: {name: "none", enabled: true}) { errors { code } } }',
    "recordLogin": 'mutation { recordLogin(input: {connection: "none", profile: {}}) { errors { code } } }',
    "recordFailedLogin": 'mutation { recordFailedLogin(input: {connection: "none", identifier: "x", reason: OTHER}) { errors { code } } }',
}

ALL_MUTATIONS = {**{name: each.replace("%s", "1") for name, each in PROFILE_WRITES.items()}, **OTHER_MUTATIONS}
